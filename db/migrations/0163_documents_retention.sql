-- +goose Up
-- How long the tables of documents, sub-processors and incidents are kept.
call app.retain('notice', 'email-log', 'recorded', 'created_at');
call app.retain_with('notice_recipient', 'email-log', 'notice');
call app.retain_tenant('document', 'business-data');
call app.retain_tenant('document_version', 'business-data');
call app.retain_tenant('document_version', 'authorization');
call app.retain_tenant('document_acceptance', 'legal-entity');
call app.retain_tenant('processor', 'business-data');
call app.retain_tenant('processor', 'authorization');
call app.retain_tenant('processor_objection', 'legal-entity');
call app.retain_tenant('incident', 'authorization');
call app.retain_tenant('incident_clock', 'authorization');
call app.retain_tenant('incident_entry', 'authorization');
call app.retain('incident_affected', 'audit-log', 'recorded', 'created_at');
call app.retain_tenant('incident_notice', 'authorization');
call app.retain_tenant('incident_action', 'authorization');
