import { type RequestRule, type Service, tierOf } from '../../domain/rule-set.ts'
import { lengthText } from '../words.ts'
import { cellsOf } from './cells.ts'
import type { Found } from './change.ts'
import { type Compared, meaningOf } from './compared.ts'
import { differencesOf, rememberedBy, type Side } from './first-match.ts'
import { agrees, services, tiers, type Words, who, words } from './sentence.ts'

/** What asking for a tier leads to. Milliseconds. */
type Asked = { readonly how: 'no' | 'approval' | 'at once'; readonly ahead: number }

/** What people get by asking. */
export const askingChanges = ({ services: all }: Compared): Found[] => {
  const remember = rememberedBy<readonly Found[]>()
  return all.flatMap(({ old, now }) => {
    const names = [...new Set([...now.tiers, ...old.tiers].map(({ name }) => name))]
    return names.flatMap((name) => {
      const [before, after] = [sideOf(old, name), sideOf(now, name)]
      const demands = [before.isApproved, after.isApproved]
      const key = JSON.stringify([meaningOf(before.rules), meaningOf(after.rules), demands])
      const found = remember(key, () => compare(before, after))
      return found.map((one) => ({ ...one, tier: name, service: now.name }))
    })
  })
}

type AskSide = Side<RequestRule, Asked> & { readonly isApproved: boolean }

const sideOf = (service: Service, name: string): AskSide => {
  const tier = tierOf(service, name)
  const isApproved = tier?.approvals !== undefined
  return {
    isApproved,
    rules: tier === undefined ? [] : service.onRequest.filter((rule) => rule.tiers.includes(name)),
    outcome: (rule) =>
      rule === undefined || (rule.how === 'approval' && !isApproved)
        ? { how: 'no', ahead: 0 }
        : { how: rule.how, ahead: rule.ahead },
  }
}

const compare = (old: AskSide, now: AskSide): Found[] => {
  if (old.isApproved === now.isApproved && meaningOf(old.rules) === meaningOf(now.rules)) return []
  const cells = cellsOf([...old.rules, ...now.rules])
  if (cells === undefined)
    return [
      {
        kind: 'changes',
        say: words`who may ask for ${tiers} on ${services} has changed at so many hours that they can’t be told apart here`,
        danger: 99,
      },
    ]
  return differencesOf(old, now, cells.all).flatMap(({ who: people, old: before, now: after, cells: some }) =>
    cells.say(some).map((when) => ({ ...sayChange(before, after, when), who: people })),
  )
}

const needs = agrees('who', 'needs', 'need')
const loses = agrees('who', 'loses', 'lose')

const sayChange = (old: Asked, now: Asked, when: string): Found => {
  const ahead: Words = now.ahead > 0 ? [`, up to ${lengthText(now.ahead)} ahead`] : []
  if (old.how === 'no')
    return now.how === 'at once'
      ? {
          kind: 'gains',
          danger: 90,
          say: words`${who} ${agrees('who', 'gains', 'gain')} ${tiers} on ${services} without approval${[when]}${ahead}`,
        }
      : {
          kind: 'gains',
          danger: 40,
          say: words`${who} ${agrees('who', 'gains', 'gain')} ${tiers} on ${services} by approval${[when]}${ahead}`,
        }
  if (now.how === 'no')
    return old.how === 'at once'
      ? { kind: 'loses', danger: 50, say: words`${who} ${loses} ${tiers} on ${services}${[when]}` }
      : {
          kind: 'loses',
          danger: 40,
          say: words`${who} ${loses} ${tiers} on ${services}, which took approval${[when && `,${when}`]}`,
        }
  if (old.how !== now.how)
    return now.how === 'at once'
      ? {
          kind: 'gains',
          danger: 85,
          say: words`${who} no longer ${needs} approval for ${tiers} on ${services}${[when]}${ahead}`,
        }
      : {
          kind: 'loses',
          danger: 45,
          say: words`${who} now ${needs} approval for ${tiers} on ${services}${[when]}${ahead}`,
        }
  const until = old.ahead > 0 && now.ahead > 0 ? ` instead of ${lengthText(old.ahead)}` : ''
  return {
    kind: now.ahead > old.ahead ? 'loosens' : 'tightens',
    danger: 20,
    say:
      now.ahead === 0
        ? words`${who} may no longer ask ahead of time for ${tiers} on ${services}${[when]}`
        : words`${who} may ask for ${tiers} on ${services}${[when]} up to ${lengthText(now.ahead)} ahead${until}`,
  }
}
