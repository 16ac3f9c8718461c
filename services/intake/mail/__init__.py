"""How mail comes in by itself: a server that takes it (SMTP), and mailboxes that are looked into (IMAP)."""
