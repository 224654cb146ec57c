"""Numbers that carry a check: cards, bank accounts, national ids. Standard library only.

A pattern alone would mask order numbers; the check and, for short numbers, the words before them decide.
"""

from __future__ import annotations

import re
from typing import Final

ISSUERS: Final = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"  # Mastercard
    r"|3[47][0-9]{13}"  # American Express
    r"|3(?:0[0-5]|[68][0-9])[0-9]{11}"  # Diners Club
    r"|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}"  # Discover
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12}"  # JCB
    r"|(?:5[0678]|6[0-9])[0-9]{11,17}"  # Maestro, UnionPay
)
NAMED: Final = re.compile(
    r"(?:order|invoice|booking|shipment|delivery|tracking|parcel|reference|ref|correlation|ticket|article|item"
    r"|bestellung|auftrag|rechnung)(?:[ _.-]?(?:id|no|nr|number))?[\"' :=#.]{0,6}\Z",
    re.IGNORECASE,
)
"""What stands before a number that names a piece of work; asked of the last `BEFORE` characters only."""
BEFORE: Final = 32
_LENGTHS: Final = (
    "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29ES24FI18FO18FR27GB22GE22"
    "GI23GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MR27"
    "MT31MU30NL18NO15PK24PL28PS29PT25QA29RO24RS22SA24SC31SE24SI19SK24SM27ST25SV28TL23TN24TR26UA29VA22VG24XK20"
)


def is_card(digits: str) -> bool:
    """Say whether digits are those of a card: a known issuer, and the right check digit."""
    return ISSUERS.fullmatch(digits) is not None and _luhn(digits)


def _luhn(digits: str) -> bool:
    """Check the digit that every card number ends with (ISO/IEC 7812-1)."""
    values = digits.encode().translate(_DIGIT_VALUES)
    return (sum(values[-1::-2]) + sum(values[-2::-2].translate(_DOUBLED))) % 10 == 0


def iban_end(text: str) -> int:
    """Return where the bank account number ends that a text begins with; 0 where it begins with none."""
    place = _LENGTHS.find(text[:2])
    if place < 0 or place % 4:
        return 0
    length, end = int(_LENGTHS[place + 2 : place + 4]), 0
    chars: list[str] = []
    for char in text:
        if len(chars) == length:
            break
        end += 1
        if char not in " -":
            chars.append(char)
    if len(chars) < length or (end < len(text) and text[end].isalnum()):
        return 0
    moved = "".join((*chars[4:], *chars[:4]))
    return end if int("".join(str(int(char, 36)) for char in moved)) % 97 == 1 else 0


def is_cpf(text: str) -> bool:
    """Check the two digits that a Brazilian tax number ends with."""
    digits = [int(char) for char in text if char.isdigit()]
    return all(
        digits[n] == sum(digit * (n + 1 - i) for i, digit in enumerate(digits[:n])) * 10 % 11 % 10
        for n in (9, 10)
    )


def is_ahv(text: str) -> bool:
    """Check the digit that a Swiss social security number ends with."""
    digits = [int(char) for char in text if char.isdigit()]
    return (sum(digits[:12:2]) + 3 * sum(digits[1:12:2]) + digits[12]) % 10 == 0


_DIGIT_VALUES: Final = bytes(max(0, code - ord("0")) for code in range(256))
_DOUBLED: Final = bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9, *range(10, 256)))
"""The sum of the digits of twice a digit."""
