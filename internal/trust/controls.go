package trust

// The frameworks that promises are mapped to.
const (
	SOC2 = "SOC 2 (Trust Services Criteria 2017, points of focus 2022)"
	ISO  = "ISO/IEC 27001:2022 Annex A"
)

// Control is one control of a framework, with the promises that give evidence for it.
type Control struct {
	Framework string   `json:"framework"`
	ID        string   `json:"id"`
	Title     string   `json:"title"`
	Promises  []string `json:"promises"`
}

// Controls lists every control that promises give evidence for. That a promise is listed does not mean that it is the whole of the control.
func Controls() []Control {
	out := make([]Control, 0, len(soc2)+len(iso))
	for _, c := range soc2 {
		c.Framework = SOC2
		out = append(out, c)
	}
	for _, c := range iso {
		c.Framework = ISO
		out = append(out, c)
	}
	return out
}

var soc2 = []Control{
	{ID: "CC6.1", Title: "Logical access security over protected information assets", Promises: []string{"P-01", "P-02", "P-03", "P-04", "P-05", "P-06", "P-08", "P-10", "P-12", "P-13"}},
	{ID: "CC6.2", Title: "Users are registered and authorised before they get access, and removed", Promises: []string{"P-04", "P-05", "P-17"}},
	{ID: "CC6.3", Title: "Access by role, least privilege and segregation of duties", Promises: []string{"P-05", "P-06", "P-09"}},
	{ID: "CC6.5", Title: "Data is made unreadable before assets are given up", Promises: []string{"P-12", "P-26"}},
	{ID: "CC6.6", Title: "Protection against threats from outside the system boundaries", Promises: []string{"P-07", "P-11", "P-14", "P-15"}},
	{ID: "CC6.7", Title: "Transmission and movement of information is restricted and protected", Promises: []string{"P-11", "P-12", "P-24", "P-28"}},
	{ID: "CC6.8", Title: "Unauthorised or malicious software is prevented or detected", Promises: []string{"P-14", "P-28", "P-38"}},
	{ID: "CC7.1", Title: "Changes of configuration and new vulnerabilities are detected", Promises: []string{"P-32", "P-37", "P-38"}},
	{ID: "CC7.2", Title: "System components are monitored for anomalies", Promises: []string{"P-07", "P-17", "P-18", "P-19", "P-21", "P-22"}},
	{ID: "CC7.3", Title: "Security events are evaluated", Promises: []string{"P-17", "P-36"}},
	{ID: "CC7.4", Title: "Security incidents are responded to", Promises: []string{"P-36", "P-37"}},
	{ID: "CC7.5", Title: "Recovery from security incidents", Promises: []string{"P-30", "P-31", "P-36"}},
	{ID: "CC8.1", Title: "Changes are authorised, tested, approved and recorded", Promises: []string{"P-16", "P-32", "P-33"}},
	{ID: "CC9.1", Title: "Risk from business disruptions is mitigated", Promises: []string{"P-30", "P-31"}},
	{ID: "CC9.2", Title: "Risk from vendors and partners is assessed and managed", Promises: []string{"P-22", "P-28", "P-34"}},
	{ID: "A1.2", Title: "Backup and recovery infrastructure", Promises: []string{"P-30"}},
	{ID: "A1.3", Title: "Recovery procedures are tested", Promises: []string{"P-31"}},
	{ID: "C1.1", Title: "Confidential information is identified and maintained", Promises: []string{"P-10", "P-12", "P-13", "P-20"}},
	{ID: "C1.2", Title: "Confidential information is disposed of", Promises: []string{"P-23", "P-26", "P-27"}},
	{ID: "P1.1", Title: "Notice of privacy practices, and of changes to them", Promises: []string{"P-34", "P-35"}},
	{ID: "P4.1", Title: "Personal information is used for the stated purposes only", Promises: []string{"P-20", "P-25", "P-28", "P-29", "P-33"}},
	{ID: "P4.2", Title: "Personal information is retained as stated", Promises: []string{"P-23"}},
	{ID: "P4.3", Title: "Personal information is disposed of securely", Promises: []string{"P-25", "P-26", "P-27"}},
	{ID: "P5.1", Title: "Data subjects get access to their personal information", Promises: []string{"P-24", "P-25"}},
	{ID: "P5.2", Title: "Personal information is corrected, amended or appended", Promises: []string{"P-16", "P-25"}},
	{ID: "P6.1", Title: "Disclosure to third parties", Promises: []string{"P-28", "P-34"}},
	{ID: "P6.6", Title: "Affected data subjects and others are told of breaches", Promises: []string{"P-36"}},
	{ID: "P8.1", Title: "Inquiries, complaints and disputes are received and answered", Promises: []string{"P-25", "P-37"}},
}

var iso = []Control{
	{ID: "A.5.14", Title: "Information transfer", Promises: []string{"P-11", "P-24"}},
	{ID: "A.5.15", Title: "Access control", Promises: []string{"P-05", "P-06"}},
	{ID: "A.5.16", Title: "Identity management", Promises: []string{"P-04", "P-08"}},
	{ID: "A.5.17", Title: "Authentication information", Promises: []string{"P-01", "P-02"}},
	{ID: "A.5.18", Title: "Access rights", Promises: []string{"P-05", "P-17"}},
	{ID: "A.5.19", Title: "Information security in supplier relationships", Promises: []string{"P-34"}},
	{ID: "A.5.22", Title: "Monitoring, review and change management of supplier services", Promises: []string{"P-22", "P-28", "P-34"}},
	{ID: "A.5.24", Title: "Information security incident management planning and preparation", Promises: []string{"P-36"}},
	{ID: "A.5.25", Title: "Assessment and decision on information security events", Promises: []string{"P-36"}},
	{ID: "A.5.26", Title: "Response to information security incidents", Promises: []string{"P-36"}},
	{ID: "A.5.28", Title: "Collection of evidence", Promises: []string{"P-16", "P-17", "P-19"}},
	{ID: "A.5.33", Title: "Protection of records", Promises: []string{"P-16", "P-19", "P-23"}},
	{ID: "A.5.34", Title: "Privacy and protection of personal identifiable information", Promises: []string{"P-20", "P-23", "P-25", "P-26", "P-27", "P-28", "P-29"}},
	{ID: "A.5.36", Title: "Compliance with policies, rules and standards for information security", Promises: []string{"P-23", "P-35"}},
	{ID: "A.6.8", Title: "Information security event reporting", Promises: []string{"P-37"}},
	{ID: "A.8.2", Title: "Privileged access rights", Promises: []string{"P-05", "P-09"}},
	{ID: "A.8.3", Title: "Information access restriction", Promises: []string{"P-06", "P-10"}},
	{ID: "A.8.5", Title: "Secure authentication", Promises: []string{"P-02", "P-03", "P-07", "P-08"}},
	{ID: "A.8.6", Title: "Capacity management", Promises: []string{"P-15"}},
	{ID: "A.8.8", Title: "Management of technical vulnerabilities", Promises: []string{"P-37", "P-38"}},
	{ID: "A.8.9", Title: "Configuration management", Promises: []string{"P-14", "P-32"}},
	{ID: "A.8.10", Title: "Information deletion", Promises: []string{"P-23", "P-26", "P-27"}},
	{ID: "A.8.11", Title: "Data masking", Promises: []string{"P-20", "P-29"}},
	{ID: "A.8.12", Title: "Data leakage prevention", Promises: []string{"P-10", "P-28"}},
	{ID: "A.8.13", Title: "Information backup", Promises: []string{"P-30", "P-31"}},
	{ID: "A.8.15", Title: "Logging", Promises: []string{"P-16", "P-17", "P-18", "P-19"}},
	{ID: "A.8.16", Title: "Monitoring activities", Promises: []string{"P-07", "P-18", "P-21"}},
	{ID: "A.8.20", Title: "Networks security", Promises: []string{"P-11", "P-15"}},
	{ID: "A.8.24", Title: "Use of cryptography", Promises: []string{"P-01", "P-11", "P-12", "P-13"}},
	{ID: "A.8.26", Title: "Application security requirements", Promises: []string{"P-08", "P-14", "P-15"}},
	{ID: "A.8.31", Title: "Separation of development, test and production environments", Promises: []string{"P-33"}},
	{ID: "A.8.32", Title: "Change management", Promises: []string{"P-32", "P-35"}},
	{ID: "A.8.33", Title: "Test information", Promises: []string{"P-33"}},
}
