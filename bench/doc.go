// Command bench measures Entente from outside, over HTTP: it starts the built program on a data directory of its own, fills
// that with 21 programmes and 1.1 million deals, and asks it what people ask all day, at several numbers of connections.
//
//	make bench                                  everything, about a quarter of an hour
//	make bench ARGS="-scale 0.02 -for 2s"       a quick look
//	make bench ARGS="-data bench/out/data"      keep the data directory, and use it again next time
//	make bench ARGS="-only promises"            only what the promises name: no installation is filled
//	make bench ARGS="-only promises/proof"      one of them
//	go run ./bench -url http://host:8080 -key-staff ent_… -key-partner ent_…,ent_… -session …
//
// Results are printed as a table and written to bench/out: result.json, plans.json, and a CPU profile for each row.
//
// The load generator is a small HTTP/1.1 client over net.Conn that keeps its connections and writes prepared requests: it
// shares two cores with the server, and costs about a fifth of what net/http's client costs. Every answer is checked: its
// status, how many items it has, and that each belongs to the asker's own company.
package main
