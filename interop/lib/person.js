// Somebody at a browser that runs scripts.
import assert from 'node:assert/strict';

export class Person {
  constructor(tab) {
    this.tab = tab;
  }

  /** Opens an address, signs in where a password is asked for, and ends at `callback`; `asked` says at which hosts. */
  async visit(url, callback, who) {
    const asked = [];
    await this.tab.goto(String(url));
    if (await this.tab.locator('#sign-in').isVisible()) {
      assert.ok(who, `a password is asked for at ${this.tab.url()}`);
      asked.push(new URL(this.tab.url()).host);
      await this.tab.locator('input[name=username]').fill(who.username);
      await this.tab.locator('input[name=password]').fill(who.password);
      await this.tab.locator('#sign-in').click();
    }
    if (await this.tab.locator('#allow').isVisible()) await this.tab.locator('#allow').click();
    await this.tab.waitForURL((at) => at.href.startsWith(callback));
    return { arrived: new URL(this.tab.url()), asked };
  }
}
