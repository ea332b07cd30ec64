-- The trail by what a kind of action is done to: `client.` of `client.create`. Else a kind that is rare is looked for in
-- all events.
create index audit_events_group on audit_events (rtrim(action, 'abcdefghijklmnopqrstuvwxyz_'), event_id);
