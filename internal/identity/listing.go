package identity

import (
	"context"

	"entente.dev/internal/access/role"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// Listing is a person an import knows of: listed, not invited. Email may be empty.
type Listing struct {
	Name       string
	Email      string
	Role       string
	Partner    id.ID
	ExternalID string
	Import     id.ID
}

// ListIn adds a listed person within another use case's transaction; that one's permission counts. Invalid with fields
// name, email, role, partner_id, external_id.
func ListIn(ctx context.Context, tx *op.Tx, in Listing) (Member, error) {
	var bad errs.Problems
	in.Name = checkName(&bad, in.Name)
	if in.Email != "" {
		in.Email = checkEmail(&bad, in.Email)
	}
	if rank(in.Role) == 0 || (role.Persona(in.Role) == role.Persona(role.Partner)) != (in.Partner != id.Nil) || !MayGive(tx.Who, in.Role) {
		bad.Add("role", "field.choice", "Use a role that fits the side the person is on and that you can give.")
	}
	if err := errs.Refused(bad); err != nil {
		return Member{}, err
	}
	m := Member{ID: id.New(), Kind: "person", PartnerID: in.Partner, Role: in.Role, Name: in.Name, Email: in.Email, Status: StatusListed,
		Version: 1, CreatedAt: tx.Now, UpdatedAt: tx.Now}
	if err := insertMember(ctx, tx, m, in.ExternalID, in.Import); err != nil {
		return Member{}, err
	}
	tx.Audit(audit.Change{Action: ActInvite, Type: "member", ID: m.ID, Label: m.Name, Partner: m.PartnerID, After: m, Note: "listed"})
	return m, nil
}
