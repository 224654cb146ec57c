"""Which unit a record belongs to, what failed, and how units ended: rules over the records of one trace."""
