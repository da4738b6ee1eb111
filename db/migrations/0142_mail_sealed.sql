-- +goose Up
-- What a mail says is a copy of what people were told, and its one-time link is a secret: both are encrypted with the tenant's key.
-- The plain columns stay, empty; mails from before are encrypted by the job mail.seal. Subject and address stay readable: the log is
-- searched by them.
alter table app.mail
  add column text_sealed bytea,
  add column html_sealed bytea,
  add column link_sealed bytea,
  alter column text_body set default '',
  alter column html_body set default '';
create index mail_plain_ix on app.mail (tenant_id, mail_id) where text_body <> '' or html_body <> '' or link is not null;
drop trigger history_insert on app.mail;
drop trigger history_update on app.mail;
drop trigger history_delete on app.mail;
call app.keep_history('mail', 'mail_id', 'link text_body html_body text_sealed html_sealed link_sealed');
call app.classify('mail', 'email-log', 'secret', 'text_sealed html_sealed link_sealed');
