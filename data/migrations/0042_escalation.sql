-- Escalation: which team owns an exception, and how far it has been escalated.

alter table exception_case add column owner_team varchar;          -- by the rules of the settings
alter table exception_case add column escalation_level integer;    -- steps taken since it was opened, or taken up
alter table exception_case add column escalated_at timestamp;      -- when the last step was taken
