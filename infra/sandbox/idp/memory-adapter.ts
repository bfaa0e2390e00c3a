import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'

/** Sessions, codes and the like, kept until they expire or the process ends. One store for all models. */
export const createMemoryAdapter = (now: () => number): AdapterFactory => {
  const kept = new Map<string, { payload: AdapterPayload; until: number }>()

  const find = (matches: (key: string, payload: AdapterPayload) => boolean): AdapterPayload | undefined => {
    for (const [key, { payload, until }] of kept) if (until > now() && matches(key, payload)) return payload
    return undefined
  }

  return (model: string): Adapter => {
    const ofModel = (key: string) => key.startsWith(`${model}:`)
    return {
      async upsert(id, payload, expiresIn) {
        kept.set(`${model}:${id}`, {
          payload,
          until: expiresIn ? now() + expiresIn * 1000 : Number.POSITIVE_INFINITY,
        })
      },
      find: async (id) => find((key) => key === `${model}:${id}`),
      findByUid: async (uid) => find((key, payload) => ofModel(key) && payload.uid === uid),
      findByUserCode: async (code) => find((key, payload) => ofModel(key) && payload.userCode === code),
      async consume(id) {
        const payload = find((key) => key === `${model}:${id}`)
        if (payload) payload.consumed = Math.floor(now() / 1000)
      },
      async destroy(id) {
        kept.delete(`${model}:${id}`)
      },
      async revokeByGrantId(grantId) {
        for (const [key, { payload }] of kept) if (payload.grantId === grantId) kept.delete(key)
      },
    }
  }
}
