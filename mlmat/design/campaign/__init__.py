"""Campaigns: propose, verify, learn from the verdicts, propose again."""
