package app

import (
	"context"
	"errors"
	"time"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/retention"
	"entente.dev/internal/tenant"
)

// workers is the table of every job and every periodic task.
func (a *App) workers() *jobs.Registry {
	r := jobs.NewRegistry()
	r.Observe(a.jobDone)
	r.Guard(a.tenantLives)
	jobs.Handle(r, a.Mail.Send)
	jobs.Handle(r, a.Deals.Mail)
	jobs.Handle(r, a.Notices.RunSend)
	jobs.Handle(r, a.Rekey.Run)
	jobs.Handle(r, a.Privacy.Run)
	jobs.Handle(r, a.Privacy.Told)
	jobs.Handle(r, a.Transfer.RunCheck)
	jobs.Handle(r, a.Transfer.RunCommit)
	jobs.Handle(r, a.Transfer.RunUndo)
	jobs.Handle(r, a.Archive.RunExport)
	jobs.Handle(r, a.Retention.RunJob)

	jobs.Handle(r, a.Trust.Welcome)
	r.Periodic("tenant.leave", jobs.Every(time.Minute), a.leave)
	r.Periodic("deal.expire", jobs.Every(5*time.Minute), a.eachTenant(func(ctx context.Context, tenant id.ID) error {
		_, err := a.Deals.Expire(ctx, tenant)
		return err
	}))
	r.Periodic("incident.alarms", jobs.Every(5*time.Minute), a.incidentAlarms)
	r.Periodic("trust.probe", jobs.Every(5*time.Minute), a.Trust.RunDue)
	r.Periodic("keys.look", jobs.Every(10*time.Minute), a.lookAtKeys)
	r.Periodic("file.sweep", jobs.Every(time.Hour), func(ctx context.Context) error {
		return errors.Join(a.Files.SweepStore(ctx), a.eachTenant(func(ctx context.Context, tenant id.ID) error {
			_, err := a.Files.Sweep(ctx, tenant)
			return err
		})(ctx))
	})
	r.Periodic("mail.seal", jobs.Every(time.Hour), a.eachTenant(a.Mail.SealPlain))
	r.Periodic("privacy.alarm", jobs.Every(time.Hour), a.eachTenant(func(ctx context.Context, tenant id.ID) error {
		_, err := a.Privacy.Alarm(ctx, tenant)
		return errors.Join(err, a.Privacy.Resume(ctx, tenant))
	}))
	r.Periodic("retention.hourly", jobs.Every(time.Hour), a.keep(retention.Hourly))
	r.Periodic("log.partitions", jobs.Daily(3, 10), a.makePartitions)
	r.Periodic("retention.daily", jobs.Daily(3, 30), a.keep(retention.Daily))
	r.Periodic("trust.forget", jobs.Daily(3, 50), a.Trust.Forget)
	r.Periodic("benchmark.release", jobs.Daily(4, 10), a.Benchmarks.RunRelease)
	return r
}

// tenantLives stops the jobs of a tenant that is closed, and lets those of a suspended one wait.
func (a *App) tenantLives(ctx context.Context, _ string, v id.ID) error {
	status, err := a.Tenants.Status(ctx, v)
	switch {
	case err != nil:
		return err
	case status == tenant.Suspended:
		return jobs.Later(15 * time.Minute)
	case status == tenant.Active || status == tenant.Closing:
		return nil
	}
	return jobs.GiveUp(errors.New("the tenant is closed"))
}

// eachTenant runs fn for every living tenant; one that fails does not keep the others from their turn.
func (a *App) eachTenant(fn func(context.Context, id.ID) error) func(context.Context) error {
	return func(ctx context.Context) error {
		all, err := a.Tenants.Register(ctx)
		for _, t := range all {
			if t.Lives() {
				err = errors.Join(err, fn(ctx, t.ID))
			}
		}
		return err
	}
}
