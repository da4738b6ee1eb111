package deal

import "entente.dev/internal/access"

// The use cases of this room; who may do them stands in access/role.
const (
	ActList     access.Action = "deal.list"
	ActRead     access.Action = "deal.read"
	ActCheck    access.Action = "deal.check"
	ActCreate   access.Action = "deal.create"
	ActUpdate   access.Action = "deal.update"
	ActSubmit   access.Action = "deal.submit"
	ActReturn   access.Action = "deal.return"
	ActApprove  access.Action = "deal.approve"
	ActReject   access.Action = "deal.reject"
	ActWithdraw access.Action = "deal.withdraw"
	ActWin      access.Action = "deal.win"
	ActLose     access.Action = "deal.lose"
	ActMove     access.Action = "deal.move"
	ActNote     access.Action = "deal.note"
	ActQueue    access.Action = "deal.queue"
	ActExpire   access.Action = "deal.expire"
	ActTell     access.Action = "deal.tell"
	ActVersions access.Action = "deal.versions"
	ActRestore  access.Action = "deal.restore"

	ActViews      access.Action = "view.list"
	ActSaveView   access.Action = "view.save"
	ActDeleteView access.Action = "view.delete"

	ActHome   access.Action = "home.read"
	ActStages access.Action = "tenant.read"
)
