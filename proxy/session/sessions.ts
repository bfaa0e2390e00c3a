import type { Identity } from '../identities.ts'

/** Who signed in, by the cookie that they were given. */
export type Sessions = {
  /**
   * Who this cookie proves at this host and moment (milliseconds), or undefined where no session of it runs there.
   * `cookie` is 1 to 4,096 of RFC 6265bis's `cookie-octet`, and whatever a client likes; `host` is `<service>.<domain>` in
   * lower case, without a port: a session of one host is none at another. The answer counts until its `validUntil`, which
   * is at most five minutes ahead, and says when they signed in. Better without a promise, where it is at hand.
   */
  readonly of: (
    cookie: string,
    host: string,
    now: number,
  ) => Identity | undefined | Promise<Identity | undefined>
}
