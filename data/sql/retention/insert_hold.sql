-- one row per hold
insert into legal_hold (id, kind, value, reason, set_by, set_at)
values ($id, $kind, $value, $reason, $by, $now)
