import type { Terms } from '../own-tiers.ts'
import type { RuleSetSource } from '../source.ts'

type Common = RuleSetSource['tiers'][string]

/**
 * The common terms with what a profile and then a service says on top. Of `sign_in` and `extend` each part is replaced
 * by itself. Of `approvals`, `count` and `from` are replaced together, and `distinct` and `escalate` stay where they are
 * not said: no service drops them by naming other people. Their `sign_in` is merged part by part, too.
 */
export const mergeTerms = (common: Common, own: readonly Terms[]): Common => {
  let merged = common
  for (const terms of own) merged = mergeOver(merged, terms)
  return merged
}

const signInOf = (below: NonNullable<Common['approvals']>, own: NonNullable<Terms['approvals']>) =>
  below.sign_in === undefined || own.sign_in === undefined
    ? {}
    : { sign_in: { ...below.sign_in, ...own.sign_in } }

const mergeOver = (below: Common, terms: Terms): Common => {
  // What is not said has no key, so nothing of the common terms is lost.
  const merged = { ...below, ...terms } as Common
  if (below.sign_in !== undefined && terms.sign_in !== undefined)
    merged.sign_in = { ...below.sign_in, ...terms.sign_in }
  if (below.extend !== undefined && terms.extend !== undefined)
    merged.extend = { ...below.extend, ...terms.extend }
  if (below.approvals !== undefined && terms.approvals !== undefined)
    merged.approvals = {
      ...below.approvals,
      ...terms.approvals,
      ...signInOf(below.approvals, terms.approvals),
    }
  return merged
}
