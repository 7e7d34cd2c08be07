-- Takes feed.sql back.
drop table feed_change, feed_commit, feed_document, feed_member, feed_holding, feed_item,
  feed_grant, feed_binding, feed_epoch, feed_last_page;
drop sequence feed_seq, feed_commit_id;
drop function feed_new_history(), feed_join_commit(), feed_queue(), feed_apply(), feed_keep(),
  feed_apply_documents(bigint, bigint), feed_apply_holds(bigint, bigint),
  feed_publish(text[], uuid[], bytea[], text[], text[], uuid[]),
  feed_page(uuid, text, bigint, uuid, int), feed_forget(uuid, text, bigint),
  feed_let_go(bigint, timestamptz, int),
  feed_hand_out(uuid, text, bigint, uuid, boolean), feed_has_passed(uuid, text, bigint, uuid);
