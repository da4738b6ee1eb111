-- +goose Up
-- The program ends a file, because its content lies outside the database.
call app.retain_job('stored_file', 'export', 'file.sweep', 'recorded', 'kept_from');
