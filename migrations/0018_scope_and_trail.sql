-- Which clients may ask for a scope, beside the list that each has: so that they are found without looking at all the
-- others.

create table client_scopes (
    client_id text not null references clients (client_id) on delete cascade,
    scope text not null,
    primary key (client_id, scope)
);

-- Word by word. What is trimmed are the characters that a scope may have (RFC 6749, appendix A.4).
insert into client_scopes (client_id, scope)
with recursive words (client_id, word, rest) as (
    select client_id, cast('' as text), scopes from clients where scopes <> ''
    union all
    select client_id,
        substr(rest, 1, length(rest) - length(ltrim(rest, '!#$%&''()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~'))),
        substr(ltrim(rest, '!#$%&''()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~'), 2)
    from words
    where rest <> '')
select distinct client_id, word
from words
where word <> '';

create index client_scopes_scope on client_scopes (scope, client_id);

-- The trail by a name of any kind of actor, and by a kind alone: the index for both at once is in the order of neither.
create index audit_events_name on audit_events (actor, event_id);
create index audit_events_kind on audit_events (actor_type, event_id);
