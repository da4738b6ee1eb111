package transfer

import "entente.dev/internal/access"

// The use cases of the room. ActCheck belongs to the program itself.
const (
	ActList   access.Action = "import.list"
	ActRead   access.Action = "import.read"
	ActCreate access.Action = "import.create"
	ActMap    access.Action = "import.map"
	ActCheck  access.Action = "import.check"
	ActCommit access.Action = "import.commit"
	ActUndo   access.Action = "import.undo"
)
