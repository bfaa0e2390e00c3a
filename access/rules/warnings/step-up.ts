import { approvalsPath } from './approvers.ts'
import type { Finding, Looked } from './finding.ts'

/** In production, approvals that a stolen bot could make up: nothing shows that the approver was there. */
export const approvalsWithoutSignIn = ({ rules, source }: Looked): Finding[] =>
  rules.environment !== 'production'
    ? []
    : [...rules.services.values()].flatMap((service) =>
        service.tiers.flatMap(({ name, approvals, patterns }): Finding[] =>
          approvals === undefined || approvals.signIn !== undefined || patterns.length === 0
            ? []
            : [
                {
                  kind: 'approvals-without-sign-in',
                  path: approvalsPath(source, service.name, name),
                  what: `the bot alone says who approved "${name}"; have approvers sign in anew for what they approve: sign_in: { max_age: 5m }`,
                },
              ],
        ),
      )
