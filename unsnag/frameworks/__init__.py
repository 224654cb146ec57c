"""One line for each framework: its requests, tasks and jobs become units' blocks. See docs/frameworks.md.

Each module imports its framework only when it is used, and nothing here is imported by the client itself.

1. `naming.py` finds the unit of a request or task by a rule: a header, a path, an argument, a function.
2. `entry.py` is what all have in common: the caller's context, and the unit's block around the work.
3. `web.py` decides what an answer's status says of the unit; `asgi`, `wsgi`, `flask` and `django` use it.
4. `tasks.py` makes a function a task; `rq`, `apscheduler`, `airflow`, `prefect` and `aws_lambda` use it.
"""
