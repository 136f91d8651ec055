package cdc

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/gotnt/tnt"
)

// Drop frees a consumer: a server of 3.3 and later keeps no log for it any
// more. An earlier one keeps none and has nothing to free, which is no error.
// The user needs the right to write the space _gc_consumers.
func Drop(ctx context.Context, conn *tnt.Conn, consumer uuid.UUID) error {
	if !conn.Version().AtLeast(3, 3, 0) {
		return nil
	}
	if _, err := conn.Delete(ctx, "_gc_consumers", tnt.K(consumer.String())); err != nil {
		return fmt.Errorf("cdc: cannot drop consumer %v: %w", consumer, err)
	}
	return nil
}
