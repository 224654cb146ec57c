-- What collectors accept: from whom, and what they leave out.

alter table quarantine add column sender varchar;    -- the token it came with, where that one is limited
