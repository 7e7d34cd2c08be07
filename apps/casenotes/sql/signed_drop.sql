drop trigger casenotes_one_text on casenotes_signature;
drop trigger casenotes_note_stays on casenotes_casenote;
drop function casenotes_one_text();
drop function casenotes_note_stays();
