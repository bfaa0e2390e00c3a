import { momentText } from '../words.ts'
import type { Finding, Looked } from './finding.ts'

const soonMs = 14 * 86_400_000

/** Sets of people whose time is over, or soon will be; freezes that are over. */
export const ended = ({ rules, now }: Looked): Finding[] => [
  ...[...rules.people].flatMap(([name, { until }]): Finding[] => {
    if (until === undefined || until - now > soonMs) return []
    const path = ['people', name, 'until']
    const over = until <= now
    return [
      {
        kind: over ? 'people-ended' : 'people-ending',
        path,
        what: over
          ? `nobody belongs to "${name}" any more since ${momentText(until)}; remove it, or set a later day`
          : `nobody belongs to "${name}" any more from ${momentText(until)} on; if that is too early, set a later day`,
      },
    ]
  }),
  ...rules.freezes.flatMap(({ id, until }, index): Finding[] =>
    until > now
      ? []
      : [
          {
            kind: 'freeze-over',
            path: ['freeze', index],
            what: `${id} is over since ${momentText(until)}; remove it`,
          },
        ],
  ),
]
