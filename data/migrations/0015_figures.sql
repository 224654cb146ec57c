-- The shared nouns of the figures stand in data/macros/figures.sql: made again when the fields of unsnag.fields change.

select 1;
