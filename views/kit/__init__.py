"""What pages share: words, the address, the person, the strip, the panel of a case."""
