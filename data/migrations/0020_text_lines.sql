-- What was seen of the text lines of each source, and when it last brought anything but info.

alter table source add column unknown_lines bigint default 0;
alter table source add column unknown_sample varchar[] default [];
alter table source add column layouts varchar[] default [];
alter table source add column varied_at timestamp;
