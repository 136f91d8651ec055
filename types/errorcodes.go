package types

// The error codes of Tarantool 3.8, by src/box/errcode.h of its sources. Codes
// keep their meaning from version to version; an older server has fewer.
const (
	ErrUnknown                       ErrorCode = 0   // an error of no code of its own
	ErrIllegalParams                 ErrorCode = 1   // bad arguments of a function
	ErrMemoryIssue                   ErrorCode = 2   // no memory left
	ErrTupleFound                    ErrorCode = 3   // the key is in a unique index already
	ErrUnsupported                   ErrorCode = 5   // the feature is not supported there
	ErrReadonly                      ErrorCode = 7   // the instance does not take writes
	ErrInjection                     ErrorCode = 8   // injected by a test of the server
	ErrCreateSpace                   ErrorCode = 9   // the space can't be created
	ErrSpaceExists                   ErrorCode = 10  // a space of that name exists
	ErrDropSpace                     ErrorCode = 11  // the space can't be dropped
	ErrAlterSpace                    ErrorCode = 12  // the space can't be changed
	ErrIndexType                     ErrorCode = 13  // the engine has no such type of index
	ErrModifyIndex                   ErrorCode = 14  // the index can't be created or changed
	ErrLastDrop                      ErrorCode = 15  // a system space keeps its primary key
	ErrTupleFormatLimit              ErrorCode = 16  // too many tuple formats
	ErrDropPrimaryKey                ErrorCode = 17  // secondary indexes need the primary key
	ErrKeyPartType                   ErrorCode = 18  // a part of the key has the wrong type
	ErrExactMatch                    ErrorCode = 19  // the key has not as many parts as the index
	ErrInvalidMsgpack                ErrorCode = 20  // the request is not proper MessagePack
	ErrTupleNotArray                 ErrorCode = 22  // a tuple or key is not an array
	ErrFieldType                     ErrorCode = 23  // a field has the wrong type
	ErrIndexPartTypeMismatch         ErrorCode = 24  // indexes disagree about a field's type
	ErrUpdateSplice                  ErrorCode = 25  // a splice (":") went wrong
	ErrUpdateArgType                 ErrorCode = 26  // the argument does not suit the update operation
	ErrFormatMismatchIndexPart       ErrorCode = 27  // format and index disagree about a field's type
	ErrUnknownUpdateOp               ErrorCode = 28  // no such update operation
	ErrUpdateField                   ErrorCode = 29  // an update operation can't be applied to the field
	ErrFunctionTxActive              ErrorCode = 30  // a function returned inside a transaction
	ErrKeyPartCount                  ErrorCode = 31  // the key has too many parts
	ErrProcLua                       ErrorCode = 32  // an error of Lua code
	ErrNoSuchProc                    ErrorCode = 33  // no such function
	ErrNoSuchTrigger                 ErrorCode = 34  // no such trigger
	ErrNoSuchIndexID                 ErrorCode = 35  // no index of that number
	ErrNoSuchSpace                   ErrorCode = 36  // no such space
	ErrNoSuchFieldNo                 ErrorCode = 37  // the tuple has no field of that number
	ErrExactFieldCount               ErrorCode = 38  // the space wants another number of fields
	ErrFieldMissing                  ErrorCode = 39  // a field that the format requires is missing
	ErrWALIO                         ErrorCode = 40  // writing to disk failed
	ErrMoreThanOneTuple              ErrorCode = 41  // more than one tuple matches where one was asked for
	ErrAccessDenied                  ErrorCode = 42  // the user lacks a privilege
	ErrCreateUser                    ErrorCode = 43  // the user can't be created
	ErrDropUser                      ErrorCode = 44  // the user or role can't be dropped
	ErrNoSuchUser                    ErrorCode = 45  // no such user
	ErrUserExists                    ErrorCode = 46  // a user of that name exists
	ErrCredsMismatch                 ErrorCode = 47  // wrong user or password
	ErrUnknownRequestType            ErrorCode = 48  // the server does not know the type of request
	ErrUnknownSchemaObject           ErrorCode = 49  // no such type of schema object
	ErrCreateFunction                ErrorCode = 50  // the function can't be created
	ErrNoSuchFunction                ErrorCode = 51  // no such function in the schema
	ErrFunctionExists                ErrorCode = 52  // a function of that name exists
	ErrBeforeReplaceRet              ErrorCode = 53  // a before_replace trigger returned no tuple
	ErrMultistatementTransaction     ErrorCode = 54  // not possible together with other statements of a transaction
	ErrTriggerExists                 ErrorCode = 55  // a trigger of that name exists
	ErrUserMax                       ErrorCode = 56  // too many users
	ErrNoSuchEngine                  ErrorCode = 57  // no such storage engine
	ErrReloadCfg                     ErrorCode = 58  // the option can't change at run time
	ErrCfg                           ErrorCode = 59  // bad value of a configuration option
	ErrSavepointEmptyTx              ErrorCode = 60  // a savepoint before the first statement
	ErrNoSuchSavepoint               ErrorCode = 61  // no such savepoint
	ErrUnknownReplica                ErrorCode = 62  // the replica is not of this replica set
	ErrReplicasetUUIDMismatch        ErrorCode = 63  // the replica set has another UUID
	ErrInvalidUUID                   ErrorCode = 64  // not a UUID
	ErrReplicasetUUIDIsRO            ErrorCode = 65  // the replica set has its UUID already
	ErrInstanceUUIDMismatch          ErrorCode = 66  // the instance has another UUID
	ErrReplicaIDIsReserved           ErrorCode = 67  // the replica id is reserved
	ErrMissingRequestField           ErrorCode = 69  // the request lacks a field
	ErrIdentifier                    ErrorCode = 70  // not a valid name
	ErrDropFunction                  ErrorCode = 71  // the function can't be dropped
	ErrIteratorType                  ErrorCode = 72  // no such iterator
	ErrReplicaMax                    ErrorCode = 73  // too many replicas
	ErrNoConnection                  ErrorCode = 77  // no connection
	ErrTimeout                       ErrorCode = 78  // time is over
	ErrActiveTransaction             ErrorCode = 79  // a transaction is active
	ErrCursorNoTransaction           ErrorCode = 80  // the cursor's transaction has ended
	ErrNoSuchRole                    ErrorCode = 82  // no such role
	ErrRoleExists                    ErrorCode = 83  // a role of that name exists
	ErrCreateRole                    ErrorCode = 84  // the role can't be created
	ErrIndexExists                   ErrorCode = 85  // an index of that name exists
	ErrSessionClosed                 ErrorCode = 86  // the session was closed
	ErrRoleLoop                      ErrorCode = 87  // roles would grant each other
	ErrGrant                         ErrorCode = 88  // bad arguments of a grant
	ErrPrivGranted                   ErrorCode = 89  // the user has the privilege already
	ErrRoleGranted                   ErrorCode = 90  // the user has the role already
	ErrPrivNotGranted                ErrorCode = 91  // the user does not have the privilege
	ErrRoleNotGranted                ErrorCode = 92  // the user does not have the role
	ErrMissingSnapshot               ErrorCode = 93  // no snapshot found
	ErrCantUpdatePrimaryKey          ErrorCode = 94  // a field of the primary key can't be updated
	ErrUpdateIntegerOverflow         ErrorCode = 95  // the sum does not fit into an integer
	ErrGuestUserPassword             ErrorCode = 96  // guest has no password
	ErrTransactionConflict           ErrorCode = 97  // the transaction lost to another one
	ErrUnsupportedPriv               ErrorCode = 98  // no such privilege on such an object
	ErrLoadFunction                  ErrorCode = 99  // a C function can't be loaded
	ErrFunctionLanguage              ErrorCode = 100 // no such language of functions
	ErrRtreeRect                     ErrorCode = 101 // not a point or box for an R-tree
	ErrProcC                         ErrorCode = 102 // an error of C code
	ErrProtocol                      ErrorCode = 104 // the peer broke the protocol
	ErrWrongIndexRecord              ErrorCode = 106 // bad row of _index
	ErrWrongIndexParts               ErrorCode = 107 // bad part of an index
	ErrWrongIndexOptions             ErrorCode = 108 // bad options of an index
	ErrWrongSchemaVersion            ErrorCode = 109 // the schema has changed meanwhile
	ErrMemtxMaxTupleSize             ErrorCode = 110 // the tuple is too large for memtx
	ErrWrongSpaceOptions             ErrorCode = 111 // bad options of a space
	ErrUnsupportedIndexFeature       ErrorCode = 112 // such an index does not support it
	ErrViewIsRO                      ErrorCode = 113 // views are not written to
	ErrNoTransaction                 ErrorCode = 114 // no transaction is active
	ErrSystem                        ErrorCode = 115 // the operating system refused
	ErrLoading                       ErrorCode = 116 // the instance is still starting
	ErrConnectionToSelf              ErrorCode = 117 // the instance connected to itself
	ErrCompression                   ErrorCode = 119 // compressing failed
	ErrCheckpointInProgress          ErrorCode = 120 // a snapshot is being made already
	ErrSubStmtMax                    ErrorCode = 121 // statements are nested too deeply
	ErrCommitInSubStmt               ErrorCode = 122 // commit inside a nested statement
	ErrRollbackInSubStmt             ErrorCode = 123 // rollback inside a nested statement
	ErrDecompression                 ErrorCode = 124 // decompressing failed
	ErrInvalidXlogType               ErrorCode = 125 // a journal file of another kind
	ErrAlreadyRunning                ErrorCode = 126 // another instance has the directory
	ErrIndexFieldCountLimit          ErrorCode = 127 // too many indexed fields
	ErrLocalInstanceIDIsReadOnly     ErrorCode = 128 // the instance id can't be changed
	ErrBackupInProgress              ErrorCode = 129 // a backup is being made already
	ErrReadViewAborted               ErrorCode = 130 // the read view was aborted
	ErrInvalidIndexFile              ErrorCode = 131 // bad index file of vinyl
	ErrInvalidRunFile                ErrorCode = 132 // bad run file of vinyl
	ErrInvalidVylogFile              ErrorCode = 133 // bad journal of vinyl
	ErrCascadeRollback               ErrorCode = 134 // an earlier write is being rolled back
	ErrVyQuotaTimeout                ErrorCode = 135 // vinyl had no memory in time
	ErrPartialKey                    ErrorCode = 136 // the index takes whole keys only
	ErrTruncateSystemSpace           ErrorCode = 137 // system spaces can't be truncated
	ErrLoadModule                    ErrorCode = 138 // a module can't be loaded
	ErrVinylMaxTupleSize             ErrorCode = 139 // the tuple is too large for vinyl
	ErrWrongDDVersion                ErrorCode = 140 // bad version in _schema
	ErrWrongSpaceFormat              ErrorCode = 141 // bad format of a space
	ErrCreateSequence                ErrorCode = 142 // the sequence can't be created
	ErrAlterSequence                 ErrorCode = 143 // the sequence can't be changed
	ErrDropSequence                  ErrorCode = 144 // the sequence can't be dropped
	ErrNoSuchSequence                ErrorCode = 145 // no such sequence
	ErrSequenceExists                ErrorCode = 146 // a sequence of that name exists
	ErrSequenceOverflow              ErrorCode = 147 // the sequence is at its end
	ErrNoSuchIndexName               ErrorCode = 148 // no index of that name
	ErrSpaceFieldIsDuplicate         ErrorCode = 149 // two fields have the same name
	ErrCantCreateCollation           ErrorCode = 150 // the collation can't be created
	ErrWrongCollationOptions         ErrorCode = 151 // bad options of a collation
	ErrNullablePrimary               ErrorCode = 152 // a primary key can't be nullable
	ErrNoSuchFieldNameInSpace        ErrorCode = 153 // the format has no field of that name
	ErrTransactionYield              ErrorCode = 154 // the transaction was aborted by a yield
	ErrNoSuchGroup                   ErrorCode = 155 // no such replication group
	ErrSQLBindType                   ErrorCode = 157 // no such type of SQL parameter
	ErrSQLBindParameterMax           ErrorCode = 158 // too many SQL parameters
	ErrSQLExecute                    ErrorCode = 159 // the SQL statement failed
	ErrUpdateDecimalOverflow         ErrorCode = 160 // the sum does not fit into a decimal
	ErrSQLBindNotFound               ErrorCode = 161 // the statement has no such parameter
	ErrActionMismatch                ErrorCode = 162 // format and index disagree about what a conflict does
	ErrViewMissingSQL                ErrorCode = 163 // a view without SQL
	ErrForeignKeyConstraint          ErrorCode = 164 // a deferred foreign key is violated
	ErrNoSuchModule                  ErrorCode = 165 // no such module
	ErrNoSuchCollation               ErrorCode = 166 // no such collation
	ErrCreateFkConstraint            ErrorCode = 167 // the foreign key can't be created
	ErrNoSuchConstraint              ErrorCode = 169 // no such constraint
	ErrConstraintExists              ErrorCode = 170 // a constraint of that name exists
	ErrSQLTypeMismatch               ErrorCode = 171 // SQL can't convert the value
	ErrRowidOverflow                 ErrorCode = 172 // too many rows for a temporary space
	ErrDropCollation                 ErrorCode = 173 // the collation can't be dropped
	ErrIllegalCollationMix           ErrorCode = 174 // collations don't go together
	ErrSQLNoSuchPragma               ErrorCode = 175 // no such pragma
	ErrSQLCantResolveField           ErrorCode = 176 // SQL does not know the field
	ErrIndexExistsInSpace            ErrorCode = 177 // the space has an index of that name
	ErrInconsistentTypes             ErrorCode = 178 // types don't go together
	ErrSQLSyntaxWithPos              ErrorCode = 179 // SQL syntax error, with its place
	ErrSQLStackOverflow              ErrorCode = 180 // the SQL statement is nested too deeply
	ErrSQLSelectWildcard             ErrorCode = 181 // "*" without FROM
	ErrSQLStatementEmpty             ErrorCode = 182 // the SQL statement is empty
	ErrSQLKeywordIsReserved          ErrorCode = 183 // a reserved SQL word as a name
	ErrSQLSyntaxNearToken            ErrorCode = 184 // SQL syntax error, with the token
	ErrSQLUnknownToken               ErrorCode = 185 // SQL met an unknown token
	ErrSQLParserGeneric              ErrorCode = 186 // an error of the SQL parser
	ErrSQLColumnCountMax             ErrorCode = 188 // too many columns
	ErrHexLiteralMax                 ErrorCode = 189 // the hexadecimal literal is too long
	ErrIntLiteralMax                 ErrorCode = 190 // the integer literal is too large
	ErrSQLParserLimit                ErrorCode = 191 // a limit of the SQL parser
	ErrIndexDefUnsupported           ErrorCode = 192 // not allowed in an index definition
	ErrMultikeyIndexMismatch         ErrorCode = 194 // a field is multikey in one index and not in another
	ErrCreateCkConstraint            ErrorCode = 195 // the check constraint can't be created
	ErrSQLColumnCount                ErrorCode = 197 // rows have different numbers of columns
	ErrFuncIndexFunc                 ErrorCode = 198 // a functional index's function failed
	ErrFuncIndexFormat               ErrorCode = 199 // a functional index's key has the wrong form
	ErrFuncIndexParts                ErrorCode = 200 // bad definition of a functional index
	ErrNoSuchFieldName               ErrorCode = 201 // the tuple has no field of that name
	ErrFuncWrongArgCount             ErrorCode = 202 // wrong number of arguments
	ErrBootstrapReadonly             ErrorCode = 203 // a read-only instance can't bootstrap
	ErrSQLFuncWrongRetCount          ErrorCode = 204 // SQL wants one result of a function
	ErrFuncInvalidReturnType         ErrorCode = 205 // the function returned a value of the wrong type
	ErrSQLParserGenericWithPos       ErrorCode = 206 // an error of the SQL parser, with its place
	ErrReplicaNotAnon                ErrorCode = 207 // the replica is not anonymous
	ErrCannotRegister                ErrorCode = 208 // nobody there to register a replica
	ErrSessionSettingInvalidValue    ErrorCode = 209 // bad value of a session setting
	ErrSQLPrepare                    ErrorCode = 210 // the SQL statement can't be prepared
	ErrWrongQueryID                  ErrorCode = 211 // no prepared statement of that id
	ErrSequenceNotStarted            ErrorCode = 212 // the sequence has no value yet
	ErrNoSuchSessionSetting          ErrorCode = 213 // no such session setting
	ErrUncommittedForeignSyncTxns    ErrorCode = 214 // synchronous transactions of another instance wait
	ErrSyncQuorumTimeout             ErrorCode = 216 // no quorum in time for a synchronous transaction
	ErrSyncRollback                  ErrorCode = 217 // a synchronous transaction was rolled back
	ErrTupleMetadataIsTooBig         ErrorCode = 218 // the tuple's metadata is too large
	ErrXlogGap                       ErrorCode = 219 // the journal has a gap
	ErrTooEarlySubscribe             ErrorCode = 220 // a replica subscribed before it joined
	ErrSQLCantAddAutoinc             ErrorCode = 221 // more than one AUTOINCREMENT field
	ErrQuorumWait                    ErrorCode = 222 // no quorum
	ErrInterferingPromote            ErrorCode = 223 // another instance was promoted first
	ErrElectionDisabled              ErrorCode = 224 // elections are off
	ErrTxnRollback                   ErrorCode = 225 // the transaction was rolled back
	ErrNotLeader                     ErrorCode = 226 // another instance is the leader
	ErrSyncQueueUnclaimed            ErrorCode = 227 // nobody owns the queue of synchronous transactions
	ErrSyncQueueForeign              ErrorCode = 228 // another instance owns the queue of synchronous transactions
	ErrUnableToProcessInStream       ErrorCode = 229 // such a request can't be in a stream
	ErrUnableToProcessOutOfStream    ErrorCode = 230 // such a request must be in a stream
	ErrTransactionTimeout            ErrorCode = 231 // the transaction took too long
	ErrActiveTimer                   ErrorCode = 232 // the timer runs already
	ErrTupleFieldCountLimit          ErrorCode = 233 // too many fields in a tuple
	ErrCreateConstraint              ErrorCode = 234 // the constraint can't be created
	ErrFieldConstraintFailed         ErrorCode = 235 // a field's constraint is violated
	ErrTupleConstraintFailed         ErrorCode = 236 // a tuple's constraint is violated
	ErrCreateForeignKey              ErrorCode = 237 // the foreign key can't be created
	ErrForeignKeyIntegrity           ErrorCode = 238 // a foreign key is violated
	ErrFieldForeignKeyFailed         ErrorCode = 239 // a field's foreign key is violated
	ErrComplexForeignKeyFailed       ErrorCode = 240 // a foreign key of several fields is violated
	ErrWrongSpaceUpgradeOptions      ErrorCode = 241 // bad options of a space upgrade
	ErrNoElectionQuorum              ErrorCode = 242 // too few peers for elections
	ErrSSL                           ErrorCode = 243 // an error of TLS
	ErrSplitBrain                    ErrorCode = 244 // the replica set has two histories
	ErrOldTerm                       ErrorCode = 245 // the term is over
	ErrInterferingElections          ErrorCode = 246 // elections got in each other's way
	ErrIteratorPosition              ErrorCode = 247 // no such position of an iterator
	ErrDefaultValueType              ErrorCode = 248 // the default has another type than its field
	ErrUnknownAuthMethod             ErrorCode = 249 // no such authentication method
	ErrInvalidAuthData               ErrorCode = 250 // bad authentication data
	ErrInvalidAuthRequest            ErrorCode = 251 // bad authentication request
	ErrWeakPassword                  ErrorCode = 252 // the password is too weak
	ErrOldPassword                   ErrorCode = 253 // the password was used before
	ErrNoSuchSession                 ErrorCode = 254 // no such session
	ErrWrongSessionType              ErrorCode = 255 // no such type of session
	ErrPasswordExpired               ErrorCode = 256 // the password has expired
	ErrAuthDelay                     ErrorCode = 257 // too many attempts to authenticate
	ErrAuthRequired                  ErrorCode = 258 // the user has to authenticate first
	ErrSQLSeqScan                    ErrorCode = 259 // the statement reads a whole space, which is not allowed
	ErrNoSuchEvent                   ErrorCode = 260 // no such event
	ErrBootstrapNotUnanimous         ErrorCode = 261 // replicas chose different bootstrap leaders
	ErrCantCheckBootstrapLeader      ErrorCode = 262 // a replica's bootstrap leader is unknown
	ErrBootstrapConnectionNotToAll   ErrorCode = 263 // not all members are in box.cfg.replication
	ErrNilUUID                       ErrorCode = 264 // the nil UUID is reserved
	ErrWrongFunctionOptions          ErrorCode = 265 // bad options of a function
	ErrMissingSystemSpaces           ErrorCode = 266 // the snapshot has no system spaces
	ErrClusterNameMismatch           ErrorCode = 267 // the cluster has another name
	ErrReplicasetNameMismatch        ErrorCode = 268 // the replica set has another name
	ErrInstanceNameDuplicate         ErrorCode = 269 // two instances have the same name
	ErrInstanceNameMismatch          ErrorCode = 270 // the instance has another name
	ErrSchemaNeedsUpgrade            ErrorCode = 271 // the schema is too old for the feature
	ErrSchemaUpgradeInProgress       ErrorCode = 272 // the schema is being upgraded
	ErrDeprecated                    ErrorCode = 273 // the feature is deprecated
	ErrUnconfigured                  ErrorCode = 274 // box.cfg was not called yet
	ErrCreateDefaultFunc             ErrorCode = 275 // the function of a field's default can't be created
	ErrDefaultFuncFailed             ErrorCode = 276 // the function of a field's default failed
	ErrInvalidDec                    ErrorCode = 277 // not a decimal
	ErrInAnotherPromote              ErrorCode = 278 // a promotion is running already
	ErrShutdown                      ErrorCode = 279 // the server is shutting down
	ErrFieldValueOutOfRange          ErrorCode = 280 // the value is out of its field's range
	ErrReplicasetNotFound            ErrorCode = 281 // no such replica set
	ErrReplicasetNoWritable          ErrorCode = 282 // the replica set has no writable instance
	ErrReplicasetMoreThanOneWritable ErrorCode = 283 // the replica set has several writable instances
	ErrTxnCommit                     ErrorCode = 284 // the transaction is committed already
	ErrReadViewBusy                  ErrorCode = 285 // the read view is in use
	ErrReadViewClosed                ErrorCode = 286 // the read view is closed
	ErrWALQueueFull                  ErrorCode = 287 // the queue to the journal is full
	ErrInvalidVclock                 ErrorCode = 288 // not a vclock
	ErrSyncQueueFull                 ErrorCode = 289 // the queue of synchronous transactions is full
	ErrKeyPartValueOutOfRange        ErrorCode = 290 // a part of the key is out of its type's range
	ErrReplicaGC                     ErrorCode = 291 // a replica's resources can't be freed
	ErrAlienEngine                   ErrorCode = 292 // the snapshot has rows of another engine
	ErrMvccUnavailable               ErrorCode = 293 // the engines can't be in one transaction
	ErrCantUpgradeIndexedField       ErrorCode = 294 // an indexed field can't be upgraded
	ErrSyncTimeout                   ErrorCode = 295 // no quorum in time; the transaction waits on
	ErrFieldIrrepresentableValue     ErrorCode = 296 // the value does not fit into its field's type
	ErrKeyPartIrrepresentableValue   ErrorCode = 297 // a part of the key does not fit into its type
	ErrInvalidSortdataFile           ErrorCode = 298 // bad file of sorted data
	ErrNoSuchThread                  ErrorCode = 299 // no such thread
	ErrUnableToProcessInThread       ErrorCode = 300 // such a request can't be in the thread
	ErrDictOverflow                  ErrorCode = 301 // too many different values for a dictionary
	ErrNoSuchThreadGroup             ErrorCode = 302 // no such group of threads
	ErrXlogNotFound                  ErrorCode = 303 // the journal file is not there
	ErrRecoveryPointTxnLastRow       ErrorCode = 304 // a recovery point ends with a local row
	ErrNoSuchReadView                ErrorCode = 305 // no such read view
)

var codeNames = map[ErrorCode]string{
	ErrUnknown:                       "ER_UNKNOWN",
	ErrIllegalParams:                 "ER_ILLEGAL_PARAMS",
	ErrMemoryIssue:                   "ER_MEMORY_ISSUE",
	ErrTupleFound:                    "ER_TUPLE_FOUND",
	ErrUnsupported:                   "ER_UNSUPPORTED",
	ErrReadonly:                      "ER_READONLY",
	ErrInjection:                     "ER_INJECTION",
	ErrCreateSpace:                   "ER_CREATE_SPACE",
	ErrSpaceExists:                   "ER_SPACE_EXISTS",
	ErrDropSpace:                     "ER_DROP_SPACE",
	ErrAlterSpace:                    "ER_ALTER_SPACE",
	ErrIndexType:                     "ER_INDEX_TYPE",
	ErrModifyIndex:                   "ER_MODIFY_INDEX",
	ErrLastDrop:                      "ER_LAST_DROP",
	ErrTupleFormatLimit:              "ER_TUPLE_FORMAT_LIMIT",
	ErrDropPrimaryKey:                "ER_DROP_PRIMARY_KEY",
	ErrKeyPartType:                   "ER_KEY_PART_TYPE",
	ErrExactMatch:                    "ER_EXACT_MATCH",
	ErrInvalidMsgpack:                "ER_INVALID_MSGPACK",
	ErrTupleNotArray:                 "ER_TUPLE_NOT_ARRAY",
	ErrFieldType:                     "ER_FIELD_TYPE",
	ErrIndexPartTypeMismatch:         "ER_INDEX_PART_TYPE_MISMATCH",
	ErrUpdateSplice:                  "ER_UPDATE_SPLICE",
	ErrUpdateArgType:                 "ER_UPDATE_ARG_TYPE",
	ErrFormatMismatchIndexPart:       "ER_FORMAT_MISMATCH_INDEX_PART",
	ErrUnknownUpdateOp:               "ER_UNKNOWN_UPDATE_OP",
	ErrUpdateField:                   "ER_UPDATE_FIELD",
	ErrFunctionTxActive:              "ER_FUNCTION_TX_ACTIVE",
	ErrKeyPartCount:                  "ER_KEY_PART_COUNT",
	ErrProcLua:                       "ER_PROC_LUA",
	ErrNoSuchProc:                    "ER_NO_SUCH_PROC",
	ErrNoSuchTrigger:                 "ER_NO_SUCH_TRIGGER",
	ErrNoSuchIndexID:                 "ER_NO_SUCH_INDEX_ID",
	ErrNoSuchSpace:                   "ER_NO_SUCH_SPACE",
	ErrNoSuchFieldNo:                 "ER_NO_SUCH_FIELD_NO",
	ErrExactFieldCount:               "ER_EXACT_FIELD_COUNT",
	ErrFieldMissing:                  "ER_FIELD_MISSING",
	ErrWALIO:                         "ER_WAL_IO",
	ErrMoreThanOneTuple:              "ER_MORE_THAN_ONE_TUPLE",
	ErrAccessDenied:                  "ER_ACCESS_DENIED",
	ErrCreateUser:                    "ER_CREATE_USER",
	ErrDropUser:                      "ER_DROP_USER",
	ErrNoSuchUser:                    "ER_NO_SUCH_USER",
	ErrUserExists:                    "ER_USER_EXISTS",
	ErrCredsMismatch:                 "ER_CREDS_MISMATCH",
	ErrUnknownRequestType:            "ER_UNKNOWN_REQUEST_TYPE",
	ErrUnknownSchemaObject:           "ER_UNKNOWN_SCHEMA_OBJECT",
	ErrCreateFunction:                "ER_CREATE_FUNCTION",
	ErrNoSuchFunction:                "ER_NO_SUCH_FUNCTION",
	ErrFunctionExists:                "ER_FUNCTION_EXISTS",
	ErrBeforeReplaceRet:              "ER_BEFORE_REPLACE_RET",
	ErrMultistatementTransaction:     "ER_MULTISTATEMENT_TRANSACTION",
	ErrTriggerExists:                 "ER_TRIGGER_EXISTS",
	ErrUserMax:                       "ER_USER_MAX",
	ErrNoSuchEngine:                  "ER_NO_SUCH_ENGINE",
	ErrReloadCfg:                     "ER_RELOAD_CFG",
	ErrCfg:                           "ER_CFG",
	ErrSavepointEmptyTx:              "ER_SAVEPOINT_EMPTY_TX",
	ErrNoSuchSavepoint:               "ER_NO_SUCH_SAVEPOINT",
	ErrUnknownReplica:                "ER_UNKNOWN_REPLICA",
	ErrReplicasetUUIDMismatch:        "ER_REPLICASET_UUID_MISMATCH",
	ErrInvalidUUID:                   "ER_INVALID_UUID",
	ErrReplicasetUUIDIsRO:            "ER_REPLICASET_UUID_IS_RO",
	ErrInstanceUUIDMismatch:          "ER_INSTANCE_UUID_MISMATCH",
	ErrReplicaIDIsReserved:           "ER_REPLICA_ID_IS_RESERVED",
	ErrMissingRequestField:           "ER_MISSING_REQUEST_FIELD",
	ErrIdentifier:                    "ER_IDENTIFIER",
	ErrDropFunction:                  "ER_DROP_FUNCTION",
	ErrIteratorType:                  "ER_ITERATOR_TYPE",
	ErrReplicaMax:                    "ER_REPLICA_MAX",
	ErrNoConnection:                  "ER_NO_CONNECTION",
	ErrTimeout:                       "ER_TIMEOUT",
	ErrActiveTransaction:             "ER_ACTIVE_TRANSACTION",
	ErrCursorNoTransaction:           "ER_CURSOR_NO_TRANSACTION",
	ErrNoSuchRole:                    "ER_NO_SUCH_ROLE",
	ErrRoleExists:                    "ER_ROLE_EXISTS",
	ErrCreateRole:                    "ER_CREATE_ROLE",
	ErrIndexExists:                   "ER_INDEX_EXISTS",
	ErrSessionClosed:                 "ER_SESSION_CLOSED",
	ErrRoleLoop:                      "ER_ROLE_LOOP",
	ErrGrant:                         "ER_GRANT",
	ErrPrivGranted:                   "ER_PRIV_GRANTED",
	ErrRoleGranted:                   "ER_ROLE_GRANTED",
	ErrPrivNotGranted:                "ER_PRIV_NOT_GRANTED",
	ErrRoleNotGranted:                "ER_ROLE_NOT_GRANTED",
	ErrMissingSnapshot:               "ER_MISSING_SNAPSHOT",
	ErrCantUpdatePrimaryKey:          "ER_CANT_UPDATE_PRIMARY_KEY",
	ErrUpdateIntegerOverflow:         "ER_UPDATE_INTEGER_OVERFLOW",
	ErrGuestUserPassword:             "ER_GUEST_USER_PASSWORD",
	ErrTransactionConflict:           "ER_TRANSACTION_CONFLICT",
	ErrUnsupportedPriv:               "ER_UNSUPPORTED_PRIV",
	ErrLoadFunction:                  "ER_LOAD_FUNCTION",
	ErrFunctionLanguage:              "ER_FUNCTION_LANGUAGE",
	ErrRtreeRect:                     "ER_RTREE_RECT",
	ErrProcC:                         "ER_PROC_C",
	ErrProtocol:                      "ER_PROTOCOL",
	ErrWrongIndexRecord:              "ER_WRONG_INDEX_RECORD",
	ErrWrongIndexParts:               "ER_WRONG_INDEX_PARTS",
	ErrWrongIndexOptions:             "ER_WRONG_INDEX_OPTIONS",
	ErrWrongSchemaVersion:            "ER_WRONG_SCHEMA_VERSION",
	ErrMemtxMaxTupleSize:             "ER_MEMTX_MAX_TUPLE_SIZE",
	ErrWrongSpaceOptions:             "ER_WRONG_SPACE_OPTIONS",
	ErrUnsupportedIndexFeature:       "ER_UNSUPPORTED_INDEX_FEATURE",
	ErrViewIsRO:                      "ER_VIEW_IS_RO",
	ErrNoTransaction:                 "ER_NO_TRANSACTION",
	ErrSystem:                        "ER_SYSTEM",
	ErrLoading:                       "ER_LOADING",
	ErrConnectionToSelf:              "ER_CONNECTION_TO_SELF",
	ErrCompression:                   "ER_COMPRESSION",
	ErrCheckpointInProgress:          "ER_CHECKPOINT_IN_PROGRESS",
	ErrSubStmtMax:                    "ER_SUB_STMT_MAX",
	ErrCommitInSubStmt:               "ER_COMMIT_IN_SUB_STMT",
	ErrRollbackInSubStmt:             "ER_ROLLBACK_IN_SUB_STMT",
	ErrDecompression:                 "ER_DECOMPRESSION",
	ErrInvalidXlogType:               "ER_INVALID_XLOG_TYPE",
	ErrAlreadyRunning:                "ER_ALREADY_RUNNING",
	ErrIndexFieldCountLimit:          "ER_INDEX_FIELD_COUNT_LIMIT",
	ErrLocalInstanceIDIsReadOnly:     "ER_LOCAL_INSTANCE_ID_IS_READ_ONLY",
	ErrBackupInProgress:              "ER_BACKUP_IN_PROGRESS",
	ErrReadViewAborted:               "ER_READ_VIEW_ABORTED",
	ErrInvalidIndexFile:              "ER_INVALID_INDEX_FILE",
	ErrInvalidRunFile:                "ER_INVALID_RUN_FILE",
	ErrInvalidVylogFile:              "ER_INVALID_VYLOG_FILE",
	ErrCascadeRollback:               "ER_CASCADE_ROLLBACK",
	ErrVyQuotaTimeout:                "ER_VY_QUOTA_TIMEOUT",
	ErrPartialKey:                    "ER_PARTIAL_KEY",
	ErrTruncateSystemSpace:           "ER_TRUNCATE_SYSTEM_SPACE",
	ErrLoadModule:                    "ER_LOAD_MODULE",
	ErrVinylMaxTupleSize:             "ER_VINYL_MAX_TUPLE_SIZE",
	ErrWrongDDVersion:                "ER_WRONG_DD_VERSION",
	ErrWrongSpaceFormat:              "ER_WRONG_SPACE_FORMAT",
	ErrCreateSequence:                "ER_CREATE_SEQUENCE",
	ErrAlterSequence:                 "ER_ALTER_SEQUENCE",
	ErrDropSequence:                  "ER_DROP_SEQUENCE",
	ErrNoSuchSequence:                "ER_NO_SUCH_SEQUENCE",
	ErrSequenceExists:                "ER_SEQUENCE_EXISTS",
	ErrSequenceOverflow:              "ER_SEQUENCE_OVERFLOW",
	ErrNoSuchIndexName:               "ER_NO_SUCH_INDEX_NAME",
	ErrSpaceFieldIsDuplicate:         "ER_SPACE_FIELD_IS_DUPLICATE",
	ErrCantCreateCollation:           "ER_CANT_CREATE_COLLATION",
	ErrWrongCollationOptions:         "ER_WRONG_COLLATION_OPTIONS",
	ErrNullablePrimary:               "ER_NULLABLE_PRIMARY",
	ErrNoSuchFieldNameInSpace:        "ER_NO_SUCH_FIELD_NAME_IN_SPACE",
	ErrTransactionYield:              "ER_TRANSACTION_YIELD",
	ErrNoSuchGroup:                   "ER_NO_SUCH_GROUP",
	ErrSQLBindType:                   "ER_SQL_BIND_TYPE",
	ErrSQLBindParameterMax:           "ER_SQL_BIND_PARAMETER_MAX",
	ErrSQLExecute:                    "ER_SQL_EXECUTE",
	ErrUpdateDecimalOverflow:         "ER_UPDATE_DECIMAL_OVERFLOW",
	ErrSQLBindNotFound:               "ER_SQL_BIND_NOT_FOUND",
	ErrActionMismatch:                "ER_ACTION_MISMATCH",
	ErrViewMissingSQL:                "ER_VIEW_MISSING_SQL",
	ErrForeignKeyConstraint:          "ER_FOREIGN_KEY_CONSTRAINT",
	ErrNoSuchModule:                  "ER_NO_SUCH_MODULE",
	ErrNoSuchCollation:               "ER_NO_SUCH_COLLATION",
	ErrCreateFkConstraint:            "ER_CREATE_FK_CONSTRAINT",
	ErrNoSuchConstraint:              "ER_NO_SUCH_CONSTRAINT",
	ErrConstraintExists:              "ER_CONSTRAINT_EXISTS",
	ErrSQLTypeMismatch:               "ER_SQL_TYPE_MISMATCH",
	ErrRowidOverflow:                 "ER_ROWID_OVERFLOW",
	ErrDropCollation:                 "ER_DROP_COLLATION",
	ErrIllegalCollationMix:           "ER_ILLEGAL_COLLATION_MIX",
	ErrSQLNoSuchPragma:               "ER_SQL_NO_SUCH_PRAGMA",
	ErrSQLCantResolveField:           "ER_SQL_CANT_RESOLVE_FIELD",
	ErrIndexExistsInSpace:            "ER_INDEX_EXISTS_IN_SPACE",
	ErrInconsistentTypes:             "ER_INCONSISTENT_TYPES",
	ErrSQLSyntaxWithPos:              "ER_SQL_SYNTAX_WITH_POS",
	ErrSQLStackOverflow:              "ER_SQL_STACK_OVERFLOW",
	ErrSQLSelectWildcard:             "ER_SQL_SELECT_WILDCARD",
	ErrSQLStatementEmpty:             "ER_SQL_STATEMENT_EMPTY",
	ErrSQLKeywordIsReserved:          "ER_SQL_KEYWORD_IS_RESERVED",
	ErrSQLSyntaxNearToken:            "ER_SQL_SYNTAX_NEAR_TOKEN",
	ErrSQLUnknownToken:               "ER_SQL_UNKNOWN_TOKEN",
	ErrSQLParserGeneric:              "ER_SQL_PARSER_GENERIC",
	ErrSQLColumnCountMax:             "ER_SQL_COLUMN_COUNT_MAX",
	ErrHexLiteralMax:                 "ER_HEX_LITERAL_MAX",
	ErrIntLiteralMax:                 "ER_INT_LITERAL_MAX",
	ErrSQLParserLimit:                "ER_SQL_PARSER_LIMIT",
	ErrIndexDefUnsupported:           "ER_INDEX_DEF_UNSUPPORTED",
	ErrMultikeyIndexMismatch:         "ER_MULTIKEY_INDEX_MISMATCH",
	ErrCreateCkConstraint:            "ER_CREATE_CK_CONSTRAINT",
	ErrSQLColumnCount:                "ER_SQL_COLUMN_COUNT",
	ErrFuncIndexFunc:                 "ER_FUNC_INDEX_FUNC",
	ErrFuncIndexFormat:               "ER_FUNC_INDEX_FORMAT",
	ErrFuncIndexParts:                "ER_FUNC_INDEX_PARTS",
	ErrNoSuchFieldName:               "ER_NO_SUCH_FIELD_NAME",
	ErrFuncWrongArgCount:             "ER_FUNC_WRONG_ARG_COUNT",
	ErrBootstrapReadonly:             "ER_BOOTSTRAP_READONLY",
	ErrSQLFuncWrongRetCount:          "ER_SQL_FUNC_WRONG_RET_COUNT",
	ErrFuncInvalidReturnType:         "ER_FUNC_INVALID_RETURN_TYPE",
	ErrSQLParserGenericWithPos:       "ER_SQL_PARSER_GENERIC_WITH_POS",
	ErrReplicaNotAnon:                "ER_REPLICA_NOT_ANON",
	ErrCannotRegister:                "ER_CANNOT_REGISTER",
	ErrSessionSettingInvalidValue:    "ER_SESSION_SETTING_INVALID_VALUE",
	ErrSQLPrepare:                    "ER_SQL_PREPARE",
	ErrWrongQueryID:                  "ER_WRONG_QUERY_ID",
	ErrSequenceNotStarted:            "ER_SEQUENCE_NOT_STARTED",
	ErrNoSuchSessionSetting:          "ER_NO_SUCH_SESSION_SETTING",
	ErrUncommittedForeignSyncTxns:    "ER_UNCOMMITTED_FOREIGN_SYNC_TXNS",
	ErrSyncQuorumTimeout:             "ER_SYNC_QUORUM_TIMEOUT",
	ErrSyncRollback:                  "ER_SYNC_ROLLBACK",
	ErrTupleMetadataIsTooBig:         "ER_TUPLE_METADATA_IS_TOO_BIG",
	ErrXlogGap:                       "ER_XLOG_GAP",
	ErrTooEarlySubscribe:             "ER_TOO_EARLY_SUBSCRIBE",
	ErrSQLCantAddAutoinc:             "ER_SQL_CANT_ADD_AUTOINC",
	ErrQuorumWait:                    "ER_QUORUM_WAIT",
	ErrInterferingPromote:            "ER_INTERFERING_PROMOTE",
	ErrElectionDisabled:              "ER_ELECTION_DISABLED",
	ErrTxnRollback:                   "ER_TXN_ROLLBACK",
	ErrNotLeader:                     "ER_NOT_LEADER",
	ErrSyncQueueUnclaimed:            "ER_SYNC_QUEUE_UNCLAIMED",
	ErrSyncQueueForeign:              "ER_SYNC_QUEUE_FOREIGN",
	ErrUnableToProcessInStream:       "ER_UNABLE_TO_PROCESS_IN_STREAM",
	ErrUnableToProcessOutOfStream:    "ER_UNABLE_TO_PROCESS_OUT_OF_STREAM",
	ErrTransactionTimeout:            "ER_TRANSACTION_TIMEOUT",
	ErrActiveTimer:                   "ER_ACTIVE_TIMER",
	ErrTupleFieldCountLimit:          "ER_TUPLE_FIELD_COUNT_LIMIT",
	ErrCreateConstraint:              "ER_CREATE_CONSTRAINT",
	ErrFieldConstraintFailed:         "ER_FIELD_CONSTRAINT_FAILED",
	ErrTupleConstraintFailed:         "ER_TUPLE_CONSTRAINT_FAILED",
	ErrCreateForeignKey:              "ER_CREATE_FOREIGN_KEY",
	ErrForeignKeyIntegrity:           "ER_FOREIGN_KEY_INTEGRITY",
	ErrFieldForeignKeyFailed:         "ER_FIELD_FOREIGN_KEY_FAILED",
	ErrComplexForeignKeyFailed:       "ER_COMPLEX_FOREIGN_KEY_FAILED",
	ErrWrongSpaceUpgradeOptions:      "ER_WRONG_SPACE_UPGRADE_OPTIONS",
	ErrNoElectionQuorum:              "ER_NO_ELECTION_QUORUM",
	ErrSSL:                           "ER_SSL",
	ErrSplitBrain:                    "ER_SPLIT_BRAIN",
	ErrOldTerm:                       "ER_OLD_TERM",
	ErrInterferingElections:          "ER_INTERFERING_ELECTIONS",
	ErrIteratorPosition:              "ER_ITERATOR_POSITION",
	ErrDefaultValueType:              "ER_DEFAULT_VALUE_TYPE",
	ErrUnknownAuthMethod:             "ER_UNKNOWN_AUTH_METHOD",
	ErrInvalidAuthData:               "ER_INVALID_AUTH_DATA",
	ErrInvalidAuthRequest:            "ER_INVALID_AUTH_REQUEST",
	ErrWeakPassword:                  "ER_WEAK_PASSWORD",
	ErrOldPassword:                   "ER_OLD_PASSWORD",
	ErrNoSuchSession:                 "ER_NO_SUCH_SESSION",
	ErrWrongSessionType:              "ER_WRONG_SESSION_TYPE",
	ErrPasswordExpired:               "ER_PASSWORD_EXPIRED",
	ErrAuthDelay:                     "ER_AUTH_DELAY",
	ErrAuthRequired:                  "ER_AUTH_REQUIRED",
	ErrSQLSeqScan:                    "ER_SQL_SEQ_SCAN",
	ErrNoSuchEvent:                   "ER_NO_SUCH_EVENT",
	ErrBootstrapNotUnanimous:         "ER_BOOTSTRAP_NOT_UNANIMOUS",
	ErrCantCheckBootstrapLeader:      "ER_CANT_CHECK_BOOTSTRAP_LEADER",
	ErrBootstrapConnectionNotToAll:   "ER_BOOTSTRAP_CONNECTION_NOT_TO_ALL",
	ErrNilUUID:                       "ER_NIL_UUID",
	ErrWrongFunctionOptions:          "ER_WRONG_FUNCTION_OPTIONS",
	ErrMissingSystemSpaces:           "ER_MISSING_SYSTEM_SPACES",
	ErrClusterNameMismatch:           "ER_CLUSTER_NAME_MISMATCH",
	ErrReplicasetNameMismatch:        "ER_REPLICASET_NAME_MISMATCH",
	ErrInstanceNameDuplicate:         "ER_INSTANCE_NAME_DUPLICATE",
	ErrInstanceNameMismatch:          "ER_INSTANCE_NAME_MISMATCH",
	ErrSchemaNeedsUpgrade:            "ER_SCHEMA_NEEDS_UPGRADE",
	ErrSchemaUpgradeInProgress:       "ER_SCHEMA_UPGRADE_IN_PROGRESS",
	ErrDeprecated:                    "ER_DEPRECATED",
	ErrUnconfigured:                  "ER_UNCONFIGURED",
	ErrCreateDefaultFunc:             "ER_CREATE_DEFAULT_FUNC",
	ErrDefaultFuncFailed:             "ER_DEFAULT_FUNC_FAILED",
	ErrInvalidDec:                    "ER_INVALID_DEC",
	ErrInAnotherPromote:              "ER_IN_ANOTHER_PROMOTE",
	ErrShutdown:                      "ER_SHUTDOWN",
	ErrFieldValueOutOfRange:          "ER_FIELD_VALUE_OUT_OF_RANGE",
	ErrReplicasetNotFound:            "ER_REPLICASET_NOT_FOUND",
	ErrReplicasetNoWritable:          "ER_REPLICASET_NO_WRITABLE",
	ErrReplicasetMoreThanOneWritable: "ER_REPLICASET_MORE_THAN_ONE_WRITABLE",
	ErrTxnCommit:                     "ER_TXN_COMMIT",
	ErrReadViewBusy:                  "ER_READ_VIEW_BUSY",
	ErrReadViewClosed:                "ER_READ_VIEW_CLOSED",
	ErrWALQueueFull:                  "ER_WAL_QUEUE_FULL",
	ErrInvalidVclock:                 "ER_INVALID_VCLOCK",
	ErrSyncQueueFull:                 "ER_SYNC_QUEUE_FULL",
	ErrKeyPartValueOutOfRange:        "ER_KEY_PART_VALUE_OUT_OF_RANGE",
	ErrReplicaGC:                     "ER_REPLICA_GC",
	ErrAlienEngine:                   "ER_ALIEN_ENGINE",
	ErrMvccUnavailable:               "ER_MVCC_UNAVAILABLE",
	ErrCantUpgradeIndexedField:       "ER_CANT_UPGRADE_INDEXED_FIELD",
	ErrSyncTimeout:                   "ER_SYNC_TIMEOUT",
	ErrFieldIrrepresentableValue:     "ER_FIELD_IRREPRESENTABLE_VALUE",
	ErrKeyPartIrrepresentableValue:   "ER_KEY_PART_IRREPRESENTABLE_VALUE",
	ErrInvalidSortdataFile:           "ER_INVALID_SORTDATA_FILE",
	ErrNoSuchThread:                  "ER_NO_SUCH_THREAD",
	ErrUnableToProcessInThread:       "ER_UNABLE_TO_PROCESS_IN_THREAD",
	ErrDictOverflow:                  "ER_DICT_OVERFLOW",
	ErrNoSuchThreadGroup:             "ER_NO_SUCH_THREAD_GROUP",
	ErrXlogNotFound:                  "ER_XLOG_NOT_FOUND",
	ErrRecoveryPointTxnLastRow:       "ER_RECOVERY_POINT_TXN_LAST_ROW",
	ErrNoSuchReadView:                "ER_NO_SUCH_READ_VIEW",
}
