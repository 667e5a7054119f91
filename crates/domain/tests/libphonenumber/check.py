#!/usr/bin/env python3
"""Bellhop's reading of phone numbers beside that of Google's libphonenumber, as PyPI's `phonenumbers` ports it.

usage: check.py READER

READER is the program `phone_numbers` of testkit: it reads `country<TAB>number as typed` from stdin and answers each line with
number, calling code and country. Exit code 0 when every reading is Google's. `scripts/test numbers` makes the environment
and calls this. The version of `phonenumbers` is pinned to the metadata that `rlibphonenumber` carries.
"""

import random
import subprocess
import sys

import phonenumbers
from phonenumbers import CountryCodeSource, PhoneNumberFormat, PhoneNumberType

# Where the resorts are. Among them are trunk prefixes that other countries' numbers begin with (1, 8, 06), none at all (GR,
# IT), several international prefixes, carrier codes (BR) and prefixes that are rewritten (AR, MX, the Caribbean).
RESORTS = (
    "US CA BS JM DO GR IT ES FR DE AT GB HR HU RU AE ZA IN TH ID JP KR AU MX BR AR MV"
).split()

# Where a number was typed, how, and whose it is.
AS_TYPED = [
    ("US", "+49 171 1234567", "+491711234567"),
    ("US", "011 49 171 1234567", "+491711234567"),
    ("GR", "+49 (0)171 1234567", "+491711234567"),
    ("GR", "+1809-555-0123", "+18095550123"),
    ("IT", "393 123 4567", "+393931234567"),
    ("IN", "91234 56789", "+919123456789"),
    ("JP", "０９０-１２３４-５６７８", "+819012345678"),
    ("AE", "٠٥٠ ١٢٣ ٤٥٦٧", "+971501234567"),
    ("DE", "0172 1234567 M", "+491721234567"),
    ("TH", "001 65 9234 5678", "+6592345678"),
    # Words behind the number: of one with its country code they must not become digits, elsewhere Google's reading stands.
    ("AT", "+43 664 1234567 Ada", None),
    ("GR", "0043 664 1234567 Ada", None),
    ("US", "1-800-FLOWERS", "+18003569377"),
]

SCRIPTS = {
    "full-width": "０１２３４５６７８９",
    "Arabic-Indic": "٠١٢٣٤٥٦٧٨٩",
    "Persian": "۰۱۲۳۴۵۶۷۸۹",
    "Devanagari": "०१२३४५६७८९",
    "Bengali": "০১২৩৪৫৬৭৮৯",
    "Thai": "๐๑๒๓๔๕๖๗๘๙",
}
RANDOM_READINGS = 20_000


def examples():
    """A mobile and a landline number of every region, and those of no region (satellite phones and the like)."""
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE):
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                yield region, number
    for code in sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS):
        yield None, phonenumbers.example_number_for_non_geo_entity(code)


def international_prefix(region):
    prefix = phonenumbers.PhoneMetadata.metadata_for_region(region)
    written = prefix.preferred_international_prefix or prefix.international_prefix
    return written if written.isdigit() else None


def with_trunk_prefix(number):
    """+49 (0)171 1234567, where the country has a trunk prefix."""
    region = phonenumbers.region_code_for_country_code(number.country_code)
    prefix = phonenumbers.ndd_prefix_for_region(region, True) if region != "001" else None
    if not prefix:
        return []
    return [f"+{number.country_code} ({prefix}){phonenumbers.national_significant_number(number)}"]


def typed_forms(number, at):
    """One number as it may be typed at a resort, with its country code."""
    e164, international, rfc3966 = (
        phonenumbers.format_number(number, form)
        for form in (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.RFC3966)
    )
    digits = e164[1:]
    yield from (e164, international, rfc3966)
    yield phonenumbers.format_out_of_country_calling_number(number, at)
    prefix = international_prefix(at)
    if prefix:
        yield prefix + digits
        yield f"{prefix} {international[1:]}"
    yield digits


def decorated_forms(number):
    """One number in other digits, and with what people put around it."""
    international = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    yield from with_trunk_prefix(number)
    for digits in SCRIPTS.values():
        yield international.translate(str.maketrans("0123456789", digits))
    yield "＋" + international[1:]
    for around in ("{} ext. 12", "{} x12", "{};ext=12", "{} M", "Tel. {}", "({})", "\u202a{}\u202c", "{} / 2", "{} Ada"):
        yield around.format(international)


def questions():
    yield from ((at, typed) for at, typed, _ in AS_TYPED)
    for region, number in examples():
        for at in RESORTS:
            yield from ((at, typed) for typed in typed_forms(number, at))
        yield from (("GR", typed) for typed in decorated_forms(number))
        yield from (("US", typed) for typed in decorated_forms(number))
        if region is None:
            continue
        national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
        yield from ((at, national) for at in {region, *RESORTS})
        significant = phonenumbers.national_significant_number(number)
        yield region, significant
        for around in ("{} M", "{} ext 7", "tel:{}", " {} ", "{} Ada"):
            yield region, around.format(national)
        for digits in SCRIPTS.values():
            yield region, national.translate(str.maketrans("0123456789", digits))
    yield from random_questions()


def random_questions():
    """Digits that need not be a number at all."""
    draw = random.Random(9)
    regions = sorted(phonenumbers.SUPPORTED_REGIONS)
    beginnings = ["", "", "", "+", "+", "0", "00", "011", "8", "1", "(0)", "+1", "+49", "+39 0", "+54 9"]
    for _ in range(RANDOM_READINGS):
        length = draw.randint(3, 16)
        digits = "".join(draw.choice("0123456789") for _ in range(length))
        cut = draw.randint(0, length)
        yield draw.choice(regions), draw.choice(beginnings) + digits[:cut] + draw.choice(["", " ", "-"]) + digits[cut:]


def google(at, typed):
    """Google's reading; none where letters would be dialled of a number that has its country code."""
    nothing = ("-", "-", "-")
    try:
        number = phonenumbers.parse(typed, at, keep_raw_input=True)
    except phonenumbers.NumberParseException:
        return nothing
    if not phonenumbers.is_valid_number(number):
        return nothing
    may_dial_letters = sum(letter.isascii() and letter.isalpha() for letter in typed) >= 3
    has_country_code = number.country_code_source in (
        CountryCodeSource.FROM_NUMBER_WITH_PLUS_SIGN,
        CountryCodeSource.FROM_NUMBER_WITH_IDD,
    )
    last_digits = phonenumbers.national_significant_number(number)[-6:]
    if has_country_code and may_dial_letters and last_digits not in phonenumbers.normalize_digits_only(typed):
        return nothing
    region = phonenumbers.region_code_for_number(number)
    return (
        phonenumbers.format_number(number, PhoneNumberFormat.E164),
        str(number.country_code),
        "-" if region in (None, "001") else region,
    )


def bellhop(reader, asked):
    lines = "".join(f"{at}\t{typed}\n" for at, typed in asked)
    answered = subprocess.run([reader], input=lines, capture_output=True, encoding="utf-8", check=True)
    answers = [tuple(line.split("\t")) for line in answered.stdout.splitlines()]
    assert len(answers) == len(asked), f"{len(asked)} questions, {len(answers)} answers"
    return answers


def main():
    (reader,) = sys.argv[1:]
    asked = list(dict.fromkeys(questions()))
    answers = bellhop(reader, asked)
    different = [
        f"at {at}: {typed!r} is {answer}, Google reads {expected}"
        for (at, typed), answer in zip(asked, answers)
        if answer != (expected := google(at, typed))
    ]
    known = {(at, typed): answer for (at, typed), answer in zip(asked, answers)}
    for at, typed, expected in AS_TYPED:
        if known[at, typed][0] != (expected or "-"):
            different.append(f"at {at}: {typed!r} is {known[at, typed][0]}, and should be {expected}")
    read = sum(answer[0] != "-" for answer in answers)
    print(f"{len(asked)} readings at resorts of {len(RESORTS)} countries, {read} of them numbers, {len(different)} differences")
    print(*different[:20], sep="\n", end="\n" if different else "")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
