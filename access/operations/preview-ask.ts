import type { Ask, Proposal, Refusal } from '../domain/decide-access.ts'
import { couldApprove } from '../domain/decide-approval.ts'
import { decideAskAll } from '../domain/decide-ask-all.ts'
import type { Person } from '../domain/principal.ts'
import type { AskParts } from './ask-for-grant.ts'
import { heldBy } from './find-held.ts'
import { whoDecides } from './who-decides.ts'

export type Preview =
  | { readonly proposal: Proposal; readonly asked: readonly Person[]; readonly later: readonly Person[] }
  | { readonly refused: Refusal }

/** What asking for this would come to, and who would be asked to approve it. Nothing is written, and nobody is asked. */
export const previewAsk = async (
  { rules, directory, live, clock }: Pick<AskParts, 'rules' | 'directory' | 'live' | 'clock'>,
  person: Person,
  ask: Ask,
): Promise<Preview> => {
  await live.catchUp()
  const now = clock.now()
  const paged = heldBy(live, person, now).find(
    ({ why, services }) => why.kind === 'page' && services.includes(ask.service),
  )
  const decision = decideAskAll(rules, person, ask, now, paged?.tier)
  if (!decision.give) return { refused: decision.refusal }
  const { proposal } = decision
  if (proposal.approvers === undefined) return { proposal, asked: [], later: [] }
  const { asked, later } = whoDecides(rules, directory, person, proposal.approvers, now)
  return couldApprove(rules, asked, proposal.approvers, now)
    ? { proposal, asked, later }
    : { refused: { reason: 'nobody-to-approve', tier: proposal.tier } }
}
