"""Who may do what: roles, scopes, people, sessions, tokens, and the gate that every act passes."""
