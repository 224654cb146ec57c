-- What collectors accept: from whom, and what they leave out.

alter table quarantine add column sender varchar;    -- the token it came with, where that one is limited

alter table log add column mentions varchar[];       -- IDs in the line's text that it does not belong to

alter table source add column dropped bigint default 0;  -- records that a mapping leaves out
