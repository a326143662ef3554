// The examples on the pages of the modules' documentation, `Sources/*/*.docc`.
try readRows()
try await planAndWrite()
try await verify()
try compareCheckpoints()
try readACheckpoint()
try quantizeATensor()
try await quantizeAModel()
try await verifyAModel()
