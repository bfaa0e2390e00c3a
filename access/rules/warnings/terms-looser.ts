import { exactDuration } from '../../domain/duration.ts'
import { reasonDemands } from '../../domain/tier.ts'
import { usualSignInMs } from '../compile/compile-tiers.ts'
import { mergeTerms } from '../compile/merge-terms.ts'
import { ownTerms, type Terms } from '../own-tiers.ts'
import type { RuleSetSource } from '../source.ts'
import type { Finding, Looked } from './finding.ts'

type Common = RuleSetSource['tiers'][string]
type Looser = { readonly at: readonly string[]; readonly own: string; readonly common: string }

/** Terms by which a profile or service asks less than is said in common. */
export const looserTerms = ({ source }: Looked): Finding[] =>
  ownTerms(source).flatMap(({ tier, path, terms }) => {
    const common = source.tiers[tier]
    if (common === undefined) return []
    return looser(common, terms).map(
      ({ at, own, common: usual }): Finding => ({
        kind: 'terms-looser',
        path: [...path, ...at],
        what: `this is looser than what is said of every "${tier}": ${own}, not ${usual}; if it is not meant, leave it out`,
      }),
    )
  })

const looser = (common: Common, own: Terms): Looser[] => {
  const merged = mergeTerms(common, [own])
  const found: Looser[] = []
  const longer = (at: readonly string[], mine: number | undefined, usual: number | undefined): void => {
    if (mine !== undefined && usual !== undefined && mine > usual)
      found.push({ at, own: exactDuration(mine), common: exactDuration(usual) })
  }
  longer(['longest'], own.longest, common.longest)
  longer(['when_stale'], own.when_stale, common.when_stale)
  longer(['sign_in', 'max_age'], own.sign_in?.max_age, common.sign_in?.max_age)
  const acr = common.sign_in?.acr
  if (acr !== undefined && merged.sign_in?.acr !== acr)
    found.push({ at: ['sign_in', 'acr'], own: `"${merged.sign_in?.acr}"`, common: `"${acr}"` })
  const usual = common.reason ?? 'optional'
  if (own.reason !== undefined && reasonDemands.indexOf(own.reason) < reasonDemands.indexOf(usual))
    found.push({ at: ['reason'], own: own.reason, common: usual })
  if (own.proxy_only === false && common.proxy_only === true)
    found.push({ at: ['proxy_only'], own: 'also past the proxy', common: 'only through it' })
  if (own.approvals === undefined || common.approvals === undefined) return found
  const [mine, theirs] = [own.approvals, common.approvals]
  if (mine.count < theirs.count)
    found.push({ at: ['approvals', 'count'], own: String(mine.count), common: String(theirs.count) })
  if (!mine.from.every((people) => theirs.from.includes(people)))
    found.push({ at: ['approvals', 'from'], own: mine.from.join(', '), common: theirs.from.join(', ') })
  const at = ['approvals', 'sign_in']
  if (theirs.sign_in !== undefined)
    longer([...at, 'max_age'], mine.sign_in?.max_age, theirs.sign_in.max_age ?? usualSignInMs)
  const [is, was] = [merged.approvals?.sign_in?.acr, theirs.sign_in?.acr]
  if (was !== undefined && is !== was) found.push({ at: [...at, 'acr'], own: `"${is}"`, common: `"${was}"` })
  return found
}
