"""Places of columns in a log row: rows are lists while a batch is filled.

Each is a name of its own, as the hot path reads them several times a record.
"""

from __future__ import annotations

from typing import Final

from collectors.fields import LOG_INDEX

L: Final = LOG_INDEX
TIME: Final = L["time"]
NUMBER: Final = L["severity_number"]
MESSAGE: Final = L["message"]
LOGGER: Final = L["logger"]
CORRELATION: Final = L["correlation_id"]
EXCEPTION_MESSAGE: Final = L["exception_message"]
STACKTRACE: Final = L["stacktrace"]
ERROR_CODE: Final = L["error_code"]
ERROR_TYPE: Final = L["error_type"]
ERROR_CLASS: Final = L["error_class"]
CLASS_RULE: Final = L["class_rule"]
OUTCOME: Final = L["outcome"]
TECHNICAL: Final = L["technical_id"]
ACTOR: Final = L["actor_type"]
MENTIONS: Final = L["mentions"]
PEER: Final = L["peer"]
STATUS: Final = L["http_status"]
DATA: Final = L["data"]
RECORD_ID: Final = L["record_id"]
SEVERITY: Final = L["severity"]
ATTRIBUTES: Final = L["attributes"]
SOURCE_OFFSET: Final = L["source_offset"]
