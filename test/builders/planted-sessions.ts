import { principalKey } from '#access/domain/principal.ts'
import { type PersonName, people } from '#infra/sandbox/people.ts'
import type { Identity } from '#proxy/identities.ts'
import type { Sessions } from '#proxy/session/sessions.ts'
import { domain, type ProxyUnderTest } from './proxy.ts'

/** Sessions that a test planted, in place of those that a sign-in makes; and what was asked about them. */
export const plantedSessions = () => {
  const planted = new Map<string, Identity>()
  const asked: { readonly cookie: string; readonly host: string }[] = []
  let answer: (found: Identity | undefined) => ReturnType<Sessions['of']> = (found) => found
  const sessions: Sessions = {
    of: (cookie, host) => {
      asked.push({ cookie, host })
      return answer(planted.get(`${host} ${cookie}`))
    },
  }
  return {
    sessions,
    asked,
    /** Somebody is signed in at a service, and only there. */
    plant: (
      proxy: Pick<ProxyUnderTest, 'idp' | 'now'>,
      cookie: string,
      name: PersonName,
      service: string,
      changes: Partial<Identity> = {},
    ): void => {
      const { subject, groups } = people[name]
      const who = { issuer: proxy.idp.issuer, subject }
      planted.set(`${service}.${domain} ${cookie}`, {
        ...who,
        principal: principalKey(who),
        groups,
        signedInAt: proxy.now(),
        validUntil: proxy.now() + 300_000,
        ...changes,
      })
    },
    /** In place of what is found, until it is called with nothing. */
    answerWith: (answering?: typeof answer): void => {
      answer = answering ?? ((found) => found)
    },
  }
}
