import type { Finding, Looked } from './finding.ts'

/** In production, a break-glass that one stolen key opens. */
export const oneKeyBreaksGlass = ({ rules }: Looked): Finding[] =>
  rules.environment !== 'production' || rules.breakGlass?.need !== 1
    ? []
    : [
        {
          kind: 'one-key-breaks-glass',
          path: ['break_glass', 'need'],
          what: `one key alone opens "${rules.breakGlass.tier}" of every service; have two people sign: need: 2`,
        },
      ]
