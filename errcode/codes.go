package errcode

// The error codes of Tarantool 3.8, by src/box/errcode.h of its sources. Codes
// keep their meaning from version to version; an older server has fewer, and has
// some that 3.8 has no more: those are in old.go.
const (
	Unknown                       Code = 0   // an error of no code of its own
	IllegalParams                 Code = 1   // bad arguments of a function
	MemoryIssue                   Code = 2   // no memory left
	TupleFound                    Code = 3   // the key is in a unique index already
	Unsupported                   Code = 5   // the feature is not supported there
	Readonly                      Code = 7   // the instance does not take writes
	Injection                     Code = 8   // injected by a test of the server
	CreateSpace                   Code = 9   // the space can't be created
	SpaceExists                   Code = 10  // a space of that name exists
	DropSpace                     Code = 11  // the space can't be dropped
	AlterSpace                    Code = 12  // the space can't be changed
	IndexType                     Code = 13  // the engine has no such type of index
	ModifyIndex                   Code = 14  // the index can't be created or changed
	LastDrop                      Code = 15  // a system space keeps its primary key
	TupleFormatLimit              Code = 16  // too many tuple formats
	DropPrimaryKey                Code = 17  // secondary indexes need the primary key
	KeyPartType                   Code = 18  // a part of the key has the wrong type
	ExactMatch                    Code = 19  // the key has not as many parts as the index
	InvalidMsgpack                Code = 20  // the request is not proper MessagePack
	TupleNotArray                 Code = 22  // a tuple or key is not an array
	FieldType                     Code = 23  // a field has the wrong type
	IndexPartTypeMismatch         Code = 24  // indexes disagree about a field's type
	UpdateSplice                  Code = 25  // a splice (":") went wrong
	UpdateArgType                 Code = 26  // the argument does not suit the update operation
	FormatMismatchIndexPart       Code = 27  // format and index disagree about a field's type
	UnknownUpdateOp               Code = 28  // no such update operation
	UpdateField                   Code = 29  // an update operation can't be applied to the field
	FunctionTxActive              Code = 30  // a function returned inside a transaction
	KeyPartCount                  Code = 31  // the key has too many parts
	ProcLua                       Code = 32  // an error of Lua code
	NoSuchProc                    Code = 33  // no such function
	NoSuchTrigger                 Code = 34  // no such trigger
	NoSuchIndexID                 Code = 35  // no index of that number
	NoSuchSpace                   Code = 36  // no such space
	NoSuchFieldNo                 Code = 37  // the tuple has no field of that number
	ExactFieldCount               Code = 38  // the space wants another number of fields
	FieldMissing                  Code = 39  // a field that the format requires is missing
	WALIO                         Code = 40  // writing to disk failed
	MoreThanOneTuple              Code = 41  // more than one tuple matches where one was asked for
	AccessDenied                  Code = 42  // the user lacks a privilege
	CreateUser                    Code = 43  // the user can't be created
	DropUser                      Code = 44  // the user or role can't be dropped
	NoSuchUser                    Code = 45  // no such user
	UserExists                    Code = 46  // a user of that name exists
	CredsMismatch                 Code = 47  // wrong user or password
	UnknownRequestType            Code = 48  // the server does not know the type of request
	UnknownSchemaObject           Code = 49  // no such type of schema object
	CreateFunction                Code = 50  // the function can't be created
	NoSuchFunction                Code = 51  // no such function in the schema
	FunctionExists                Code = 52  // a function of that name exists
	BeforeReplaceRet              Code = 53  // a before_replace trigger returned no tuple
	MultistatementTransaction     Code = 54  // not possible together with other statements of a transaction
	TriggerExists                 Code = 55  // a trigger of that name exists
	UserMax                       Code = 56  // too many users
	NoSuchEngine                  Code = 57  // no such storage engine
	ReloadCfg                     Code = 58  // the option can't change at run time
	Cfg                           Code = 59  // bad value of a configuration option
	SavepointEmptyTx              Code = 60  // a savepoint before the first statement
	NoSuchSavepoint               Code = 61  // no such savepoint
	UnknownReplica                Code = 62  // the replica is not of this replica set
	ReplicasetUUIDMismatch        Code = 63  // the replica set has another UUID
	InvalidUUID                   Code = 64  // not a UUID
	ReplicasetUUIDIsRO            Code = 65  // the replica set has its UUID already
	InstanceUUIDMismatch          Code = 66  // the instance has another UUID
	ReplicaIDIsReserved           Code = 67  // the replica id is reserved
	MissingRequestField           Code = 69  // the request lacks a field
	Identifier                    Code = 70  // not a valid name
	DropFunction                  Code = 71  // the function can't be dropped
	IteratorType                  Code = 72  // no such iterator
	ReplicaMax                    Code = 73  // too many replicas
	NoConnection                  Code = 77  // no connection
	Timeout                       Code = 78  // time is over
	ActiveTransaction             Code = 79  // a transaction is active
	CursorNoTransaction           Code = 80  // the cursor's transaction has ended
	NoSuchRole                    Code = 82  // no such role
	RoleExists                    Code = 83  // a role of that name exists
	CreateRole                    Code = 84  // the role can't be created
	IndexExists                   Code = 85  // an index of that name exists
	SessionClosed                 Code = 86  // the session was closed
	RoleLoop                      Code = 87  // roles would grant each other
	Grant                         Code = 88  // bad arguments of a grant
	PrivGranted                   Code = 89  // the user has the privilege already
	RoleGranted                   Code = 90  // the user has the role already
	PrivNotGranted                Code = 91  // the user does not have the privilege
	RoleNotGranted                Code = 92  // the user does not have the role
	MissingSnapshot               Code = 93  // no snapshot found
	CantUpdatePrimaryKey          Code = 94  // a field of the primary key can't be updated
	UpdateIntegerOverflow         Code = 95  // the sum does not fit into an integer
	GuestUserPassword             Code = 96  // guest has no password
	TransactionConflict           Code = 97  // the transaction lost to another one
	UnsupportedPriv               Code = 98  // no such privilege on such an object
	LoadFunction                  Code = 99  // a C function can't be loaded
	FunctionLanguage              Code = 100 // no such language of functions
	RtreeRect                     Code = 101 // not a point or box for an R-tree
	ProcC                         Code = 102 // an error of C code
	Protocol                      Code = 104 // the peer broke the protocol
	WrongIndexRecord              Code = 106 // bad row of _index
	WrongIndexParts               Code = 107 // bad part of an index
	WrongIndexOptions             Code = 108 // bad options of an index
	WrongSchemaVersion            Code = 109 // the schema has changed meanwhile
	MemtxMaxTupleSize             Code = 110 // the tuple is too large for memtx
	WrongSpaceOptions             Code = 111 // bad options of a space
	UnsupportedIndexFeature       Code = 112 // such an index does not support it
	ViewIsRO                      Code = 113 // views are not written to
	NoTransaction                 Code = 114 // no transaction is active
	System                        Code = 115 // the operating system refused
	Loading                       Code = 116 // the instance is still starting
	ConnectionToSelf              Code = 117 // the instance connected to itself
	Compression                   Code = 119 // compressing failed
	CheckpointInProgress          Code = 120 // a snapshot is being made already
	SubStmtMax                    Code = 121 // statements are nested too deeply
	CommitInSubStmt               Code = 122 // commit inside a nested statement
	RollbackInSubStmt             Code = 123 // rollback inside a nested statement
	Decompression                 Code = 124 // decompressing failed
	InvalidXlogType               Code = 125 // a journal file of another kind
	AlreadyRunning                Code = 126 // another instance has the directory
	IndexFieldCountLimit          Code = 127 // too many indexed fields
	LocalInstanceIDIsReadOnly     Code = 128 // the instance id can't be changed
	BackupInProgress              Code = 129 // a backup is being made already
	ReadViewAborted               Code = 130 // the read view was aborted
	InvalidIndexFile              Code = 131 // bad index file of vinyl
	InvalidRunFile                Code = 132 // bad run file of vinyl
	InvalidVylogFile              Code = 133 // bad journal of vinyl
	CascadeRollback               Code = 134 // an earlier write is being rolled back
	VyQuotaTimeout                Code = 135 // vinyl had no memory in time
	PartialKey                    Code = 136 // the index takes whole keys only
	TruncateSystemSpace           Code = 137 // system spaces can't be truncated
	LoadModule                    Code = 138 // a module can't be loaded
	VinylMaxTupleSize             Code = 139 // the tuple is too large for vinyl
	WrongDDVersion                Code = 140 // bad version in _schema
	WrongSpaceFormat              Code = 141 // bad format of a space
	CreateSequence                Code = 142 // the sequence can't be created
	AlterSequence                 Code = 143 // the sequence can't be changed
	DropSequence                  Code = 144 // the sequence can't be dropped
	NoSuchSequence                Code = 145 // no such sequence
	SequenceExists                Code = 146 // a sequence of that name exists
	SequenceOverflow              Code = 147 // the sequence is at its end
	NoSuchIndexName               Code = 148 // no index of that name
	SpaceFieldIsDuplicate         Code = 149 // two fields have the same name
	CantCreateCollation           Code = 150 // the collation can't be created
	WrongCollationOptions         Code = 151 // bad options of a collation
	NullablePrimary               Code = 152 // a primary key can't be nullable
	NoSuchFieldNameInSpace        Code = 153 // the format has no field of that name
	TransactionYield              Code = 154 // the transaction was aborted by a yield
	NoSuchGroup                   Code = 155 // no such replication group
	SQLBindType                   Code = 157 // no such type of SQL parameter
	SQLBindParameterMax           Code = 158 // too many SQL parameters
	SQLExecute                    Code = 159 // the SQL statement failed
	UpdateDecimalOverflow         Code = 160 // the sum does not fit into a decimal
	SQLBindNotFound               Code = 161 // the statement has no such parameter
	ActionMismatch                Code = 162 // format and index disagree about what a conflict does
	ViewMissingSQL                Code = 163 // a view without SQL
	ForeignKeyConstraint          Code = 164 // a deferred foreign key is violated
	NoSuchModule                  Code = 165 // no such module
	NoSuchCollation               Code = 166 // no such collation
	CreateFkConstraint            Code = 167 // the foreign key can't be created
	NoSuchConstraint              Code = 169 // no such constraint
	ConstraintExists              Code = 170 // a constraint of that name exists
	SQLTypeMismatch               Code = 171 // SQL can't convert the value
	RowidOverflow                 Code = 172 // too many rows for a temporary space
	DropCollation                 Code = 173 // the collation can't be dropped
	IllegalCollationMix           Code = 174 // collations don't go together
	SQLNoSuchPragma               Code = 175 // no such pragma
	SQLCantResolveField           Code = 176 // SQL does not know the field
	IndexExistsInSpace            Code = 177 // the space has an index of that name
	InconsistentTypes             Code = 178 // types don't go together
	SQLSyntaxWithPos              Code = 179 // SQL syntax error, with its place
	SQLStackOverflow              Code = 180 // the SQL statement is nested too deeply
	SQLSelectWildcard             Code = 181 // "*" without FROM
	SQLStatementEmpty             Code = 182 // the SQL statement is empty
	SQLKeywordIsReserved          Code = 183 // a reserved SQL word as a name
	SQLSyntaxNearToken            Code = 184 // SQL syntax error, with the token
	SQLUnknownToken               Code = 185 // SQL met an unknown token
	SQLParserGeneric              Code = 186 // an error of the SQL parser
	SQLColumnCountMax             Code = 188 // too many columns
	HexLiteralMax                 Code = 189 // the hexadecimal literal is too long
	IntLiteralMax                 Code = 190 // the integer literal is too large
	SQLParserLimit                Code = 191 // a limit of the SQL parser
	IndexDefUnsupported           Code = 192 // not allowed in an index definition
	MultikeyIndexMismatch         Code = 194 // a field is multikey in one index and not in another
	CreateCkConstraint            Code = 195 // the check constraint can't be created
	SQLColumnCount                Code = 197 // rows have different numbers of columns
	FuncIndexFunc                 Code = 198 // a functional index's function failed
	FuncIndexFormat               Code = 199 // a functional index's key has the wrong form
	FuncIndexParts                Code = 200 // bad definition of a functional index
	NoSuchFieldName               Code = 201 // the tuple has no field of that name
	FuncWrongArgCount             Code = 202 // wrong number of arguments
	BootstrapReadonly             Code = 203 // a read-only instance can't bootstrap
	SQLFuncWrongRetCount          Code = 204 // SQL wants one result of a function
	FuncInvalidReturnType         Code = 205 // the function returned a value of the wrong type
	SQLParserGenericWithPos       Code = 206 // an error of the SQL parser, with its place
	ReplicaNotAnon                Code = 207 // the replica is not anonymous
	CannotRegister                Code = 208 // nobody there to register a replica
	SessionSettingInvalidValue    Code = 209 // bad value of a session setting
	SQLPrepare                    Code = 210 // the SQL statement can't be prepared
	WrongQueryID                  Code = 211 // no prepared statement of that id
	SequenceNotStarted            Code = 212 // the sequence has no value yet
	NoSuchSessionSetting          Code = 213 // no such session setting
	UncommittedForeignSyncTxns    Code = 214 // synchronous transactions of another instance wait
	SyncQuorumTimeout             Code = 216 // no quorum in time for a synchronous transaction
	SyncRollback                  Code = 217 // a synchronous transaction was rolled back
	TupleMetadataIsTooBig         Code = 218 // the tuple's metadata is too large
	XlogGap                       Code = 219 // the journal has a gap
	TooEarlySubscribe             Code = 220 // a replica subscribed before it joined
	SQLCantAddAutoinc             Code = 221 // more than one AUTOINCREMENT field
	QuorumWait                    Code = 222 // no quorum
	InterferingPromote            Code = 223 // another instance was promoted first
	ElectionDisabled              Code = 224 // elections are off
	TxnRollback                   Code = 225 // the transaction was rolled back
	NotLeader                     Code = 226 // another instance is the leader
	SyncQueueUnclaimed            Code = 227 // nobody owns the queue of synchronous transactions
	SyncQueueForeign              Code = 228 // another instance owns the queue of synchronous transactions
	UnableToProcessInStream       Code = 229 // such a request can't be in a stream
	UnableToProcessOutOfStream    Code = 230 // such a request must be in a stream
	TransactionTimeout            Code = 231 // the transaction took too long
	ActiveTimer                   Code = 232 // the timer runs already
	TupleFieldCountLimit          Code = 233 // too many fields in a tuple
	CreateConstraint              Code = 234 // the constraint can't be created
	FieldConstraintFailed         Code = 235 // a field's constraint is violated
	TupleConstraintFailed         Code = 236 // a tuple's constraint is violated
	CreateForeignKey              Code = 237 // the foreign key can't be created
	ForeignKeyIntegrity           Code = 238 // a foreign key is violated
	FieldForeignKeyFailed         Code = 239 // a field's foreign key is violated
	ComplexForeignKeyFailed       Code = 240 // a foreign key of several fields is violated
	WrongSpaceUpgradeOptions      Code = 241 // bad options of a space upgrade
	NoElectionQuorum              Code = 242 // too few peers for elections
	SSL                           Code = 243 // an error of TLS
	SplitBrain                    Code = 244 // the replica set has two histories
	OldTerm                       Code = 245 // the term is over
	InterferingElections          Code = 246 // elections got in each other's way
	IteratorPosition              Code = 247 // no such position of an iterator
	DefaultValueType              Code = 248 // the default has another type than its field
	UnknownAuthMethod             Code = 249 // no such authentication method
	InvalidAuthData               Code = 250 // bad authentication data
	InvalidAuthRequest            Code = 251 // bad authentication request
	WeakPassword                  Code = 252 // the password is too weak
	OldPassword                   Code = 253 // the password was used before
	NoSuchSession                 Code = 254 // no such session
	WrongSessionType              Code = 255 // no such type of session
	PasswordExpired               Code = 256 // the password has expired
	AuthDelay                     Code = 257 // too many attempts to authenticate
	AuthRequired                  Code = 258 // the user has to authenticate first
	SQLSeqScan                    Code = 259 // the statement reads a whole space, which is not allowed
	NoSuchEvent                   Code = 260 // no such event
	BootstrapNotUnanimous         Code = 261 // replicas chose different bootstrap leaders
	CantCheckBootstrapLeader      Code = 262 // a replica's bootstrap leader is unknown
	BootstrapConnectionNotToAll   Code = 263 // not all members are in box.cfg.replication
	NilUUID                       Code = 264 // the nil UUID is reserved
	WrongFunctionOptions          Code = 265 // bad options of a function
	MissingSystemSpaces           Code = 266 // the snapshot has no system spaces
	ClusterNameMismatch           Code = 267 // the cluster has another name
	ReplicasetNameMismatch        Code = 268 // the replica set has another name
	InstanceNameDuplicate         Code = 269 // two instances have the same name
	InstanceNameMismatch          Code = 270 // the instance has another name
	SchemaNeedsUpgrade            Code = 271 // the schema is too old for the feature
	SchemaUpgradeInProgress       Code = 272 // the schema is being upgraded
	Deprecated                    Code = 273 // the feature is deprecated
	Unconfigured                  Code = 274 // box.cfg was not called yet
	CreateDefaultFunc             Code = 275 // the function of a field's default can't be created
	DefaultFuncFailed             Code = 276 // the function of a field's default failed
	InvalidDec                    Code = 277 // not a decimal
	InAnotherPromote              Code = 278 // a promotion is running already
	Shutdown                      Code = 279 // the server is shutting down
	FieldValueOutOfRange          Code = 280 // the value is out of its field's range
	ReplicasetNotFound            Code = 281 // no such replica set
	ReplicasetNoWritable          Code = 282 // the replica set has no writable instance
	ReplicasetMoreThanOneWritable Code = 283 // the replica set has several writable instances
	TxnCommit                     Code = 284 // the transaction is committed already
	ReadViewBusy                  Code = 285 // the read view is in use
	ReadViewClosed                Code = 286 // the read view is closed
	WALQueueFull                  Code = 287 // the queue to the journal is full
	InvalidVclock                 Code = 288 // not a vclock
	SyncQueueFull                 Code = 289 // the queue of synchronous transactions is full
	KeyPartValueOutOfRange        Code = 290 // a part of the key is out of its type's range
	ReplicaGC                     Code = 291 // a replica's resources can't be freed
	AlienEngine                   Code = 292 // the snapshot has rows of another engine
	MvccUnavailable               Code = 293 // the engines can't be in one transaction
	CantUpgradeIndexedField       Code = 294 // an indexed field can't be upgraded
	SyncTimeout                   Code = 295 // no quorum in time; the transaction waits on
	FieldIrrepresentableValue     Code = 296 // the value does not fit into its field's type
	KeyPartIrrepresentableValue   Code = 297 // a part of the key does not fit into its type
	InvalidSortdataFile           Code = 298 // bad file of sorted data
	NoSuchThread                  Code = 299 // no such thread
	UnableToProcessInThread       Code = 300 // such a request can't be in the thread
	DictOverflow                  Code = 301 // too many different values for a dictionary
	NoSuchThreadGroup             Code = 302 // no such group of threads
	XlogNotFound                  Code = 303 // the journal file is not there
	RecoveryPointTxnLastRow       Code = 304 // a recovery point ends with a local row
	NoSuchReadView                Code = 305 // no such read view
)

var codeNames = map[Code]string{
	Unknown:                       "ER_UNKNOWN",
	IllegalParams:                 "ER_ILLEGAL_PARAMS",
	MemoryIssue:                   "ER_MEMORY_ISSUE",
	TupleFound:                    "ER_TUPLE_FOUND",
	Unsupported:                   "ER_UNSUPPORTED",
	Readonly:                      "ER_READONLY",
	Injection:                     "ER_INJECTION",
	CreateSpace:                   "ER_CREATE_SPACE",
	SpaceExists:                   "ER_SPACE_EXISTS",
	DropSpace:                     "ER_DROP_SPACE",
	AlterSpace:                    "ER_ALTER_SPACE",
	IndexType:                     "ER_INDEX_TYPE",
	ModifyIndex:                   "ER_MODIFY_INDEX",
	LastDrop:                      "ER_LAST_DROP",
	TupleFormatLimit:              "ER_TUPLE_FORMAT_LIMIT",
	DropPrimaryKey:                "ER_DROP_PRIMARY_KEY",
	KeyPartType:                   "ER_KEY_PART_TYPE",
	ExactMatch:                    "ER_EXACT_MATCH",
	InvalidMsgpack:                "ER_INVALID_MSGPACK",
	TupleNotArray:                 "ER_TUPLE_NOT_ARRAY",
	FieldType:                     "ER_FIELD_TYPE",
	IndexPartTypeMismatch:         "ER_INDEX_PART_TYPE_MISMATCH",
	UpdateSplice:                  "ER_UPDATE_SPLICE",
	UpdateArgType:                 "ER_UPDATE_ARG_TYPE",
	FormatMismatchIndexPart:       "ER_FORMAT_MISMATCH_INDEX_PART",
	UnknownUpdateOp:               "ER_UNKNOWN_UPDATE_OP",
	UpdateField:                   "ER_UPDATE_FIELD",
	FunctionTxActive:              "ER_FUNCTION_TX_ACTIVE",
	KeyPartCount:                  "ER_KEY_PART_COUNT",
	ProcLua:                       "ER_PROC_LUA",
	NoSuchProc:                    "ER_NO_SUCH_PROC",
	NoSuchTrigger:                 "ER_NO_SUCH_TRIGGER",
	NoSuchIndexID:                 "ER_NO_SUCH_INDEX_ID",
	NoSuchSpace:                   "ER_NO_SUCH_SPACE",
	NoSuchFieldNo:                 "ER_NO_SUCH_FIELD_NO",
	ExactFieldCount:               "ER_EXACT_FIELD_COUNT",
	FieldMissing:                  "ER_FIELD_MISSING",
	WALIO:                         "ER_WAL_IO",
	MoreThanOneTuple:              "ER_MORE_THAN_ONE_TUPLE",
	AccessDenied:                  "ER_ACCESS_DENIED",
	CreateUser:                    "ER_CREATE_USER",
	DropUser:                      "ER_DROP_USER",
	NoSuchUser:                    "ER_NO_SUCH_USER",
	UserExists:                    "ER_USER_EXISTS",
	CredsMismatch:                 "ER_CREDS_MISMATCH",
	UnknownRequestType:            "ER_UNKNOWN_REQUEST_TYPE",
	UnknownSchemaObject:           "ER_UNKNOWN_SCHEMA_OBJECT",
	CreateFunction:                "ER_CREATE_FUNCTION",
	NoSuchFunction:                "ER_NO_SUCH_FUNCTION",
	FunctionExists:                "ER_FUNCTION_EXISTS",
	BeforeReplaceRet:              "ER_BEFORE_REPLACE_RET",
	MultistatementTransaction:     "ER_MULTISTATEMENT_TRANSACTION",
	TriggerExists:                 "ER_TRIGGER_EXISTS",
	UserMax:                       "ER_USER_MAX",
	NoSuchEngine:                  "ER_NO_SUCH_ENGINE",
	ReloadCfg:                     "ER_RELOAD_CFG",
	Cfg:                           "ER_CFG",
	SavepointEmptyTx:              "ER_SAVEPOINT_EMPTY_TX",
	NoSuchSavepoint:               "ER_NO_SUCH_SAVEPOINT",
	UnknownReplica:                "ER_UNKNOWN_REPLICA",
	ReplicasetUUIDMismatch:        "ER_REPLICASET_UUID_MISMATCH",
	InvalidUUID:                   "ER_INVALID_UUID",
	ReplicasetUUIDIsRO:            "ER_REPLICASET_UUID_IS_RO",
	InstanceUUIDMismatch:          "ER_INSTANCE_UUID_MISMATCH",
	ReplicaIDIsReserved:           "ER_REPLICA_ID_IS_RESERVED",
	MissingRequestField:           "ER_MISSING_REQUEST_FIELD",
	Identifier:                    "ER_IDENTIFIER",
	DropFunction:                  "ER_DROP_FUNCTION",
	IteratorType:                  "ER_ITERATOR_TYPE",
	ReplicaMax:                    "ER_REPLICA_MAX",
	NoConnection:                  "ER_NO_CONNECTION",
	Timeout:                       "ER_TIMEOUT",
	ActiveTransaction:             "ER_ACTIVE_TRANSACTION",
	CursorNoTransaction:           "ER_CURSOR_NO_TRANSACTION",
	NoSuchRole:                    "ER_NO_SUCH_ROLE",
	RoleExists:                    "ER_ROLE_EXISTS",
	CreateRole:                    "ER_CREATE_ROLE",
	IndexExists:                   "ER_INDEX_EXISTS",
	SessionClosed:                 "ER_SESSION_CLOSED",
	RoleLoop:                      "ER_ROLE_LOOP",
	Grant:                         "ER_GRANT",
	PrivGranted:                   "ER_PRIV_GRANTED",
	RoleGranted:                   "ER_ROLE_GRANTED",
	PrivNotGranted:                "ER_PRIV_NOT_GRANTED",
	RoleNotGranted:                "ER_ROLE_NOT_GRANTED",
	MissingSnapshot:               "ER_MISSING_SNAPSHOT",
	CantUpdatePrimaryKey:          "ER_CANT_UPDATE_PRIMARY_KEY",
	UpdateIntegerOverflow:         "ER_UPDATE_INTEGER_OVERFLOW",
	GuestUserPassword:             "ER_GUEST_USER_PASSWORD",
	TransactionConflict:           "ER_TRANSACTION_CONFLICT",
	UnsupportedPriv:               "ER_UNSUPPORTED_PRIV",
	LoadFunction:                  "ER_LOAD_FUNCTION",
	FunctionLanguage:              "ER_FUNCTION_LANGUAGE",
	RtreeRect:                     "ER_RTREE_RECT",
	ProcC:                         "ER_PROC_C",
	Protocol:                      "ER_PROTOCOL",
	WrongIndexRecord:              "ER_WRONG_INDEX_RECORD",
	WrongIndexParts:               "ER_WRONG_INDEX_PARTS",
	WrongIndexOptions:             "ER_WRONG_INDEX_OPTIONS",
	WrongSchemaVersion:            "ER_WRONG_SCHEMA_VERSION",
	MemtxMaxTupleSize:             "ER_MEMTX_MAX_TUPLE_SIZE",
	WrongSpaceOptions:             "ER_WRONG_SPACE_OPTIONS",
	UnsupportedIndexFeature:       "ER_UNSUPPORTED_INDEX_FEATURE",
	ViewIsRO:                      "ER_VIEW_IS_RO",
	NoTransaction:                 "ER_NO_TRANSACTION",
	System:                        "ER_SYSTEM",
	Loading:                       "ER_LOADING",
	ConnectionToSelf:              "ER_CONNECTION_TO_SELF",
	Compression:                   "ER_COMPRESSION",
	CheckpointInProgress:          "ER_CHECKPOINT_IN_PROGRESS",
	SubStmtMax:                    "ER_SUB_STMT_MAX",
	CommitInSubStmt:               "ER_COMMIT_IN_SUB_STMT",
	RollbackInSubStmt:             "ER_ROLLBACK_IN_SUB_STMT",
	Decompression:                 "ER_DECOMPRESSION",
	InvalidXlogType:               "ER_INVALID_XLOG_TYPE",
	AlreadyRunning:                "ER_ALREADY_RUNNING",
	IndexFieldCountLimit:          "ER_INDEX_FIELD_COUNT_LIMIT",
	LocalInstanceIDIsReadOnly:     "ER_LOCAL_INSTANCE_ID_IS_READ_ONLY",
	BackupInProgress:              "ER_BACKUP_IN_PROGRESS",
	ReadViewAborted:               "ER_READ_VIEW_ABORTED",
	InvalidIndexFile:              "ER_INVALID_INDEX_FILE",
	InvalidRunFile:                "ER_INVALID_RUN_FILE",
	InvalidVylogFile:              "ER_INVALID_VYLOG_FILE",
	CascadeRollback:               "ER_CASCADE_ROLLBACK",
	VyQuotaTimeout:                "ER_VY_QUOTA_TIMEOUT",
	PartialKey:                    "ER_PARTIAL_KEY",
	TruncateSystemSpace:           "ER_TRUNCATE_SYSTEM_SPACE",
	LoadModule:                    "ER_LOAD_MODULE",
	VinylMaxTupleSize:             "ER_VINYL_MAX_TUPLE_SIZE",
	WrongDDVersion:                "ER_WRONG_DD_VERSION",
	WrongSpaceFormat:              "ER_WRONG_SPACE_FORMAT",
	CreateSequence:                "ER_CREATE_SEQUENCE",
	AlterSequence:                 "ER_ALTER_SEQUENCE",
	DropSequence:                  "ER_DROP_SEQUENCE",
	NoSuchSequence:                "ER_NO_SUCH_SEQUENCE",
	SequenceExists:                "ER_SEQUENCE_EXISTS",
	SequenceOverflow:              "ER_SEQUENCE_OVERFLOW",
	NoSuchIndexName:               "ER_NO_SUCH_INDEX_NAME",
	SpaceFieldIsDuplicate:         "ER_SPACE_FIELD_IS_DUPLICATE",
	CantCreateCollation:           "ER_CANT_CREATE_COLLATION",
	WrongCollationOptions:         "ER_WRONG_COLLATION_OPTIONS",
	NullablePrimary:               "ER_NULLABLE_PRIMARY",
	NoSuchFieldNameInSpace:        "ER_NO_SUCH_FIELD_NAME_IN_SPACE",
	TransactionYield:              "ER_TRANSACTION_YIELD",
	NoSuchGroup:                   "ER_NO_SUCH_GROUP",
	SQLBindType:                   "ER_SQL_BIND_TYPE",
	SQLBindParameterMax:           "ER_SQL_BIND_PARAMETER_MAX",
	SQLExecute:                    "ER_SQL_EXECUTE",
	UpdateDecimalOverflow:         "ER_UPDATE_DECIMAL_OVERFLOW",
	SQLBindNotFound:               "ER_SQL_BIND_NOT_FOUND",
	ActionMismatch:                "ER_ACTION_MISMATCH",
	ViewMissingSQL:                "ER_VIEW_MISSING_SQL",
	ForeignKeyConstraint:          "ER_FOREIGN_KEY_CONSTRAINT",
	NoSuchModule:                  "ER_NO_SUCH_MODULE",
	NoSuchCollation:               "ER_NO_SUCH_COLLATION",
	CreateFkConstraint:            "ER_CREATE_FK_CONSTRAINT",
	NoSuchConstraint:              "ER_NO_SUCH_CONSTRAINT",
	ConstraintExists:              "ER_CONSTRAINT_EXISTS",
	SQLTypeMismatch:               "ER_SQL_TYPE_MISMATCH",
	RowidOverflow:                 "ER_ROWID_OVERFLOW",
	DropCollation:                 "ER_DROP_COLLATION",
	IllegalCollationMix:           "ER_ILLEGAL_COLLATION_MIX",
	SQLNoSuchPragma:               "ER_SQL_NO_SUCH_PRAGMA",
	SQLCantResolveField:           "ER_SQL_CANT_RESOLVE_FIELD",
	IndexExistsInSpace:            "ER_INDEX_EXISTS_IN_SPACE",
	InconsistentTypes:             "ER_INCONSISTENT_TYPES",
	SQLSyntaxWithPos:              "ER_SQL_SYNTAX_WITH_POS",
	SQLStackOverflow:              "ER_SQL_STACK_OVERFLOW",
	SQLSelectWildcard:             "ER_SQL_SELECT_WILDCARD",
	SQLStatementEmpty:             "ER_SQL_STATEMENT_EMPTY",
	SQLKeywordIsReserved:          "ER_SQL_KEYWORD_IS_RESERVED",
	SQLSyntaxNearToken:            "ER_SQL_SYNTAX_NEAR_TOKEN",
	SQLUnknownToken:               "ER_SQL_UNKNOWN_TOKEN",
	SQLParserGeneric:              "ER_SQL_PARSER_GENERIC",
	SQLColumnCountMax:             "ER_SQL_COLUMN_COUNT_MAX",
	HexLiteralMax:                 "ER_HEX_LITERAL_MAX",
	IntLiteralMax:                 "ER_INT_LITERAL_MAX",
	SQLParserLimit:                "ER_SQL_PARSER_LIMIT",
	IndexDefUnsupported:           "ER_INDEX_DEF_UNSUPPORTED",
	MultikeyIndexMismatch:         "ER_MULTIKEY_INDEX_MISMATCH",
	CreateCkConstraint:            "ER_CREATE_CK_CONSTRAINT",
	SQLColumnCount:                "ER_SQL_COLUMN_COUNT",
	FuncIndexFunc:                 "ER_FUNC_INDEX_FUNC",
	FuncIndexFormat:               "ER_FUNC_INDEX_FORMAT",
	FuncIndexParts:                "ER_FUNC_INDEX_PARTS",
	NoSuchFieldName:               "ER_NO_SUCH_FIELD_NAME",
	FuncWrongArgCount:             "ER_FUNC_WRONG_ARG_COUNT",
	BootstrapReadonly:             "ER_BOOTSTRAP_READONLY",
	SQLFuncWrongRetCount:          "ER_SQL_FUNC_WRONG_RET_COUNT",
	FuncInvalidReturnType:         "ER_FUNC_INVALID_RETURN_TYPE",
	SQLParserGenericWithPos:       "ER_SQL_PARSER_GENERIC_WITH_POS",
	ReplicaNotAnon:                "ER_REPLICA_NOT_ANON",
	CannotRegister:                "ER_CANNOT_REGISTER",
	SessionSettingInvalidValue:    "ER_SESSION_SETTING_INVALID_VALUE",
	SQLPrepare:                    "ER_SQL_PREPARE",
	WrongQueryID:                  "ER_WRONG_QUERY_ID",
	SequenceNotStarted:            "ER_SEQUENCE_NOT_STARTED",
	NoSuchSessionSetting:          "ER_NO_SUCH_SESSION_SETTING",
	UncommittedForeignSyncTxns:    "ER_UNCOMMITTED_FOREIGN_SYNC_TXNS",
	SyncQuorumTimeout:             "ER_SYNC_QUORUM_TIMEOUT",
	SyncRollback:                  "ER_SYNC_ROLLBACK",
	TupleMetadataIsTooBig:         "ER_TUPLE_METADATA_IS_TOO_BIG",
	XlogGap:                       "ER_XLOG_GAP",
	TooEarlySubscribe:             "ER_TOO_EARLY_SUBSCRIBE",
	SQLCantAddAutoinc:             "ER_SQL_CANT_ADD_AUTOINC",
	QuorumWait:                    "ER_QUORUM_WAIT",
	InterferingPromote:            "ER_INTERFERING_PROMOTE",
	ElectionDisabled:              "ER_ELECTION_DISABLED",
	TxnRollback:                   "ER_TXN_ROLLBACK",
	NotLeader:                     "ER_NOT_LEADER",
	SyncQueueUnclaimed:            "ER_SYNC_QUEUE_UNCLAIMED",
	SyncQueueForeign:              "ER_SYNC_QUEUE_FOREIGN",
	UnableToProcessInStream:       "ER_UNABLE_TO_PROCESS_IN_STREAM",
	UnableToProcessOutOfStream:    "ER_UNABLE_TO_PROCESS_OUT_OF_STREAM",
	TransactionTimeout:            "ER_TRANSACTION_TIMEOUT",
	ActiveTimer:                   "ER_ACTIVE_TIMER",
	TupleFieldCountLimit:          "ER_TUPLE_FIELD_COUNT_LIMIT",
	CreateConstraint:              "ER_CREATE_CONSTRAINT",
	FieldConstraintFailed:         "ER_FIELD_CONSTRAINT_FAILED",
	TupleConstraintFailed:         "ER_TUPLE_CONSTRAINT_FAILED",
	CreateForeignKey:              "ER_CREATE_FOREIGN_KEY",
	ForeignKeyIntegrity:           "ER_FOREIGN_KEY_INTEGRITY",
	FieldForeignKeyFailed:         "ER_FIELD_FOREIGN_KEY_FAILED",
	ComplexForeignKeyFailed:       "ER_COMPLEX_FOREIGN_KEY_FAILED",
	WrongSpaceUpgradeOptions:      "ER_WRONG_SPACE_UPGRADE_OPTIONS",
	NoElectionQuorum:              "ER_NO_ELECTION_QUORUM",
	SSL:                           "ER_SSL",
	SplitBrain:                    "ER_SPLIT_BRAIN",
	OldTerm:                       "ER_OLD_TERM",
	InterferingElections:          "ER_INTERFERING_ELECTIONS",
	IteratorPosition:              "ER_ITERATOR_POSITION",
	DefaultValueType:              "ER_DEFAULT_VALUE_TYPE",
	UnknownAuthMethod:             "ER_UNKNOWN_AUTH_METHOD",
	InvalidAuthData:               "ER_INVALID_AUTH_DATA",
	InvalidAuthRequest:            "ER_INVALID_AUTH_REQUEST",
	WeakPassword:                  "ER_WEAK_PASSWORD",
	OldPassword:                   "ER_OLD_PASSWORD",
	NoSuchSession:                 "ER_NO_SUCH_SESSION",
	WrongSessionType:              "ER_WRONG_SESSION_TYPE",
	PasswordExpired:               "ER_PASSWORD_EXPIRED",
	AuthDelay:                     "ER_AUTH_DELAY",
	AuthRequired:                  "ER_AUTH_REQUIRED",
	SQLSeqScan:                    "ER_SQL_SEQ_SCAN",
	NoSuchEvent:                   "ER_NO_SUCH_EVENT",
	BootstrapNotUnanimous:         "ER_BOOTSTRAP_NOT_UNANIMOUS",
	CantCheckBootstrapLeader:      "ER_CANT_CHECK_BOOTSTRAP_LEADER",
	BootstrapConnectionNotToAll:   "ER_BOOTSTRAP_CONNECTION_NOT_TO_ALL",
	NilUUID:                       "ER_NIL_UUID",
	WrongFunctionOptions:          "ER_WRONG_FUNCTION_OPTIONS",
	MissingSystemSpaces:           "ER_MISSING_SYSTEM_SPACES",
	ClusterNameMismatch:           "ER_CLUSTER_NAME_MISMATCH",
	ReplicasetNameMismatch:        "ER_REPLICASET_NAME_MISMATCH",
	InstanceNameDuplicate:         "ER_INSTANCE_NAME_DUPLICATE",
	InstanceNameMismatch:          "ER_INSTANCE_NAME_MISMATCH",
	SchemaNeedsUpgrade:            "ER_SCHEMA_NEEDS_UPGRADE",
	SchemaUpgradeInProgress:       "ER_SCHEMA_UPGRADE_IN_PROGRESS",
	Deprecated:                    "ER_DEPRECATED",
	Unconfigured:                  "ER_UNCONFIGURED",
	CreateDefaultFunc:             "ER_CREATE_DEFAULT_FUNC",
	DefaultFuncFailed:             "ER_DEFAULT_FUNC_FAILED",
	InvalidDec:                    "ER_INVALID_DEC",
	InAnotherPromote:              "ER_IN_ANOTHER_PROMOTE",
	Shutdown:                      "ER_SHUTDOWN",
	FieldValueOutOfRange:          "ER_FIELD_VALUE_OUT_OF_RANGE",
	ReplicasetNotFound:            "ER_REPLICASET_NOT_FOUND",
	ReplicasetNoWritable:          "ER_REPLICASET_NO_WRITABLE",
	ReplicasetMoreThanOneWritable: "ER_REPLICASET_MORE_THAN_ONE_WRITABLE",
	TxnCommit:                     "ER_TXN_COMMIT",
	ReadViewBusy:                  "ER_READ_VIEW_BUSY",
	ReadViewClosed:                "ER_READ_VIEW_CLOSED",
	WALQueueFull:                  "ER_WAL_QUEUE_FULL",
	InvalidVclock:                 "ER_INVALID_VCLOCK",
	SyncQueueFull:                 "ER_SYNC_QUEUE_FULL",
	KeyPartValueOutOfRange:        "ER_KEY_PART_VALUE_OUT_OF_RANGE",
	ReplicaGC:                     "ER_REPLICA_GC",
	AlienEngine:                   "ER_ALIEN_ENGINE",
	MvccUnavailable:               "ER_MVCC_UNAVAILABLE",
	CantUpgradeIndexedField:       "ER_CANT_UPGRADE_INDEXED_FIELD",
	SyncTimeout:                   "ER_SYNC_TIMEOUT",
	FieldIrrepresentableValue:     "ER_FIELD_IRREPRESENTABLE_VALUE",
	KeyPartIrrepresentableValue:   "ER_KEY_PART_IRREPRESENTABLE_VALUE",
	InvalidSortdataFile:           "ER_INVALID_SORTDATA_FILE",
	NoSuchThread:                  "ER_NO_SUCH_THREAD",
	UnableToProcessInThread:       "ER_UNABLE_TO_PROCESS_IN_THREAD",
	DictOverflow:                  "ER_DICT_OVERFLOW",
	NoSuchThreadGroup:             "ER_NO_SUCH_THREAD_GROUP",
	XlogNotFound:                  "ER_XLOG_NOT_FOUND",
	RecoveryPointTxnLastRow:       "ER_RECOVERY_POINT_TXN_LAST_ROW",
	NoSuchReadView:                "ER_NO_SUCH_READ_VIEW",
}
