"""What is stored and how it is asked: schema, named SQL, the engine and its one writer."""
