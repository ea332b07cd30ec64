-- The code of the last event (its `mac`) and the key that made it: the server checks them before it appends to the
-- trail, so that nobody who only writes to the database can make the server build on a forged event.

alter table audit_head add column mac text not null default '';
alter table audit_head add column key_id text not null default '';

update audit_head set
    mac = coalesce((select e.mac from audit_events e where e.event_id = audit_head.last_id), ''),
    key_id = coalesce((select e.key_id from audit_events e where e.event_id = audit_head.last_id), '');
