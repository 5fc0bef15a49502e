-- How long the functions' statements may take and wait. The limits belong to the roles that log in, in this database: a pooler refuses them
-- among the parameters of a connection, and a role that is taken within a transaction brings none with it. Who logs in as another member of
-- these roles sets their own. The owner, who migrates, has none.
--
-- lock_timeout                         Telnyx gives a webhook two seconds; who waits for a lock longer than this is answered 503 before, and
--                                      what is delivered again finds the lock free. A worker's task comes again as well.
-- statement_timeout                    whoever called has gone: a webhook's caller for long, a worker has its deadline, and the next attempt needs
--                                      the connection. No statement takes a tenth of it.
-- idle_in_transaction_session_timeout  a transaction is one round trip; what stays open has lost its instance

-- +goose Up
-- +goose StatementBegin
do $$
declare
    who   text;
    bound text;
begin
    foreach who in array array['chattercheatah_app', 'chattercheatah_admin'] loop
        foreach bound in array array['lock_timeout = ''1500ms''', 'statement_timeout = ''10s''', 'idle_in_transaction_session_timeout = ''10s'''] loop
            execute format('alter role %I in database %I set ', who, current_database()) || bound;
        end loop;
    end loop;
exception when insufficient_privilege then
    raise warning 'the limits of chattercheatah_app and chattercheatah_admin were not set: whoever made these roles must set them';
end $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
do $$
declare
    who text;
begin
    foreach who in array array['chattercheatah_app', 'chattercheatah_admin'] loop
        execute format('alter role %I in database %I reset all', who, current_database());
    end loop;
exception when insufficient_privilege then
    raise warning 'the limits of chattercheatah_app and chattercheatah_admin were not reset';
end $$;
-- +goose StatementEnd
