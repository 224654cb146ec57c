"""Tokens that begin as their vendor has it. Patterns begin with plain text, which is found quickly."""

from __future__ import annotations

import re
from typing import Final

FORMS: Final = (
    (
        ("whsec",),
        re.compile(r"whsec_(?<![A-Za-z0-9]whsec_)[A-Za-z0-9+/=]{20,}"),
    ),  # webhooks of Stripe and others
    (("npm",), re.compile(r"npm_(?<![A-Za-z0-9]npm_)[A-Za-z0-9]{36}")),
    (("hf",), re.compile(r"hf_(?<![A-Za-z0-9]hf_)[A-Za-z0-9]{30,}")),  # Hugging Face
    (("dopv0",), re.compile(r"dop_v1_(?<![A-Za-z0-9]dop_v1_)[0-9a-f]{60,}")),  # DigitalOcean
    (("shpat",), re.compile(r"shpat_(?<![A-Za-z0-9]shpat_)[0-9a-fA-F]{32}")),  # Shopify
    (("shpss",), re.compile(r"shpss_(?<![A-Za-z0-9]shpss_)[0-9a-fA-F]{32}")),
    (("linapi",), re.compile(r"lin_api_(?<![A-Za-z0-9]lin_api_)[A-Za-z0-9]{30,}")),  # Linear
    (("ntn",), re.compile(r"ntn_(?<![A-Za-z0-9]ntn_)[A-Za-z0-9]{40,}")),  # Notion
    (("dckrpat",), re.compile(r"dckr_pat_(?<![A-Za-z0-9]dckr_pat_)[A-Za-z0-9][\w-]{20,}")),  # Docker
    (("glsa",), re.compile(r"glsa_(?<![A-Za-z0-9]glsa_)[A-Za-z0-9]{32}_[0-9a-f]{8}")),  # Grafana
    (("sbp",), re.compile(r"sbp_(?<![A-Za-z0-9]sbp_)[0-9a-f]{40}")),  # Supabase
    (("gocspx",), re.compile(r"GOCSPX-(?<![A-Za-z0-9]GOCSPX-)[\w-]{20,}")),  # Google's client secrets
    (("pypi",), re.compile(r"pypi-(?<![A-Za-z0-9]pypi-)[\w-]{50,}")),
    (
        ("ya00",),
        re.compile(r"ya29\.(?<![A-Za-z0-9]ya29\.)[A-Za-z0-9]{18}[\w-]{10,}"),
    ),  # Google's access tokens
    (("hvs",), re.compile(r"hvs\.(?<![A-Za-z0-9]hvs\.)[A-Za-z0-9]{18}[\w-]{5,}")),  # Vault
    (("sg",), re.compile(r"SG\.(?<![A-Za-z0-9]SG\.)[A-Za-z0-9]{18}[\w-]{4}\.[\w-]{43}")),  # SendGrid
)
"""For each: where a text as `glance.flattened` has it lacks the first, the second matches nothing."""
