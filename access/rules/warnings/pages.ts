import { namesService, type PageRule, type Service } from '../../domain/rule-set.ts'
import { few } from '../words.ts'
import type { Finding, Looked } from './finding.ts'

const givesByItself = ({ how }: PageRule): boolean => how !== 'offer'

/** Rules that give to everybody whom an escalation reaches. */
export const leftOutLevels = ({ rules, source }: Looked): Finding[] =>
  rules.onPage.flatMap((rule, index): Finding[] =>
    source.on_page[index]?.levels !== undefined || !givesByItself(rule)
      ? []
      : [
          {
            kind: 'levels-left-out',
            path: ['on_page', index],
            what: `${rule.id} counts at every escalation level: where a third-level policy pages everybody, all of ${few(rule.who)} get "${rule.give}"; say levels: 1-2, or levels: any if that is meant`,
          },
        ],
  )

/** Services whose pages never give anything by themselves, though a rule says so. */
export const untrustedTriggers = ({ rules }: Looked): Finding[] =>
  [...rules.services.values()].flatMap((service): Finding[] => {
    const rule = service.onPage.find(givesByItself)
    if (rule === undefined || service.trustedTriggers.length > 0 || service.pagerduty.length === 0) return []
    return [
      {
        kind: 'triggers-untrusted',
        // Beside it stands what is missing, in a folder too.
        path: ['services', service.name, 'pagerduty'],
        part: 'key',
        what: `${rule.id} never gives "${service.name}" by itself, because no integration is trusted to set off its incidents; name those that are in "trusted_triggers", or say "how: offer"`,
      },
    ]
  })

/** Services that page rules name, and no PagerDuty service stands for. */
export const unnamedPagerDuty = ({ rules }: Looked): Finding[] =>
  [...rules.services.values()].flatMap((service): Finding[] => {
    const [first] = service.onPage
    if (first === undefined || service.pagerduty.length > 0) return []
    const meant = service.onPage.find((rule) => isMeant(rule, service))
    const { id } = meant ?? first
    return [
      {
        kind: meant === undefined ? 'pagerduty-unnamed-for-all' : 'pagerduty-unnamed',
        path: ['services', service.name, 'pagerduty'],
        part: 'key',
        what: `no page is ever about "${service.name}", which ${id} names, because it has no PagerDuty service; give it "pagerduty: [its id]", or take it out of the rule`,
      },
    ]
  })

/** Whether a rule names this service by more than `*`. */
const isMeant = ({ services }: PageRule, service: Service): boolean =>
  namesService(
    services.filter((entry) => entry !== '*'),
    service,
  )
