package errcode

// The codes of servers before 3.8 that 3.8 has no name for: those of Tarantool 2.6,
// as its box.error has them.
const (
	TupleNotFound                 Code = 4   // there is no such tuple
	Nonmaster                     Code = 6   // a replica takes no such request
	ProcRet                       Code = 21  // bad result of a function
	InvalidOrder                  Code = 68  // bad order of rows
	InvalidXlog                   Code = 74  // a journal file is damaged
	InvalidXlogName               Code = 75  // a journal file of a bad name
	InvalidXlogOrder              Code = 76  // journal files in a bad order
	CrossEngineTransaction        Code = 81  // a transaction over several engines
	UnknownRTreeIndexDistanceType Code = 103 // bad distance type of an RTREE index
	UpsertUniqueSecondaryKey      Code = 105 // an upsert that changes a unique secondary key
	KeyPartIsTooLong              Code = 118 // a part of a key is too long
	SQLBindValue                  Code = 156 // bad value of an SQL parameter
	DropFKConstraint              Code = 168 // a foreign key can't be dropped
	SQLAnalyzeArgument            Code = 187 // bad argument of ANALYZE
	CKDefUnsupported              Code = 193 // a CHECK constraint that is not supported
	CKConstraintFailed            Code = 196 // a CHECK constraint of SQL failed
	SyncMasterMismatch            Code = 215 // another instance is the synchronous master
)

// Codes that older servers have under another name; String returns that of 3.8.
const (
	PasswordMismatch   = CredsMismatch   // ER_PASSWORD_MISMATCH before 2.11
	CheckpointRollback = CascadeRollback // ER_CHECKPOINT_ROLLBACK in 2.6
)

var oldNames = map[Code]string{
	TupleNotFound:                 "ER_TUPLE_NOT_FOUND",
	Nonmaster:                     "ER_NONMASTER",
	ProcRet:                       "ER_PROC_RET",
	InvalidOrder:                  "ER_INVALID_ORDER",
	InvalidXlog:                   "ER_INVALID_XLOG",
	InvalidXlogName:               "ER_INVALID_XLOG_NAME",
	InvalidXlogOrder:              "ER_INVALID_XLOG_ORDER",
	CrossEngineTransaction:        "ER_CROSS_ENGINE_TRANSACTION",
	UnknownRTreeIndexDistanceType: "ER_UNKNOWN_RTREE_INDEX_DISTANCE_TYPE",
	UpsertUniqueSecondaryKey:      "ER_UPSERT_UNIQUE_SECONDARY_KEY",
	KeyPartIsTooLong:              "ER_KEY_PART_IS_TOO_LONG",
	SQLBindValue:                  "ER_SQL_BIND_VALUE",
	DropFKConstraint:              "ER_DROP_FK_CONSTRAINT",
	SQLAnalyzeArgument:            "ER_SQL_ANALYZE_ARGUMENT",
	CKDefUnsupported:              "ER_CK_DEF_UNSUPPORTED",
	CKConstraintFailed:            "ER_CK_CONSTRAINT_FAILED",
	SyncMasterMismatch:            "ER_SYNC_MASTER_MISMATCH",
}
