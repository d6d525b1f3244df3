/**
 * Why a frame failed. The numbers are the error codes of receipts (spec/executor_evm.md, 11.2), so
 * which of several errors comes first is part of consensus.
 */
export const VmError = {
  OutOfQuota: 10,
  BadJumpDestination: 11,
  BadInstruction: 12,
  StackUnderflow: 13,
  OutOfStack: 14,
  Internal: 15,
  MutableCallInStaticContext: 16,
  OutOfBounds: 17,
} as const;

/** One of the reasons. */
export type VmError = (typeof VmError)[keyof typeof VmError];
