package retention

import "entente.dev/internal/datamap"

// TableWords returns what people call what is in a table: "history of records".
func TableWords(table string) string { return datamap.TableWords(table) }

// CategoryName returns what a category is called: "Audit log".
func CategoryName(category string) string { return datamap.CategoryName(category) }
