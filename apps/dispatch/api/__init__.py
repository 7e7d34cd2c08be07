"""The endpoints of dispatch: CAD's messages, incidents, crews, and a tablet's first question."""
