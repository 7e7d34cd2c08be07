"""Plain pages for partners without a system of their own: what a signed link opens. They work on an
old telephone: HTML alone, no script, nothing from elsewhere."""
