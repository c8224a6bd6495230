import { describe, expect, test } from "@jest/globals";
import { allowedAddresses, allowedLookup, kindOfAddress, refusePort } from "../../src/lib/address.ts";

describe("what an address is for, however it is spelled", () => {
  test.each([
    ["127.0.0.1", "loopback"],
    ["127.8.9.1", "loopback"],
    ["::1", "loopback"],
    ["0:0:0:0:0:0:0:1", "loopback"],
    ["::ffff:127.0.0.1", "loopback"],
    ["::ffff:7f00:1", "loopback"],
    ["169.254.169.254", "linkLocal"],
    ["169.254.170.2", "linkLocal"],
    ["::ffff:169.254.169.254", "linkLocal"],
    ["::ffff:a9fe:a9fe", "linkLocal"],
    ["::ffff:0:a9fe:a9fe", "linkLocal"],
    ["::a9fe:a9fe", "linkLocal"],
    ["64:ff9b::a9fe:a9fe", "linkLocal"],
    ["64:ff9b::169.254.169.254", "linkLocal"],
    ["2002:a9fe:a9fe::1", "linkLocal"],
    ["fe80::1", "linkLocal"],
    ["fe80::1%eth0", "linkLocal"],
    ["febf::1", "linkLocal"],
    ["fd00:ec2::254", "metadata"],
    ["fd00:ec2::23", "metadata"],
    ["fd00:0ec2:0000:0000:0000:0000:0000:0023", "metadata"],
    ["FD20:CE::254", "metadata"],
    ["fd00:c1::a9fe:a9fe", "metadata"],
    ["fd00:c1::169.254.169.254", "metadata"],
    ["64:ff9b:1::a9fe:a9fe", "linkLocal"],
    ["64:ff9b:1:a9fe:a9:fe00::", "linkLocal"],
    ["64:ff9b::7f00:1", "loopback"],
    ["64:ff9b::6464:64c8", "metadata"],
    ["2002:7f00:1::", "loopback"],
    ["2001:0:a9fe:a9fe::1", "linkLocal"],
    ["2001:0:102:304:0:0:5601:5601", "linkLocal"],
    ["fe80::5efe:a9fe:a9fe", "linkLocal"],
    ["2001:db8::5efe:a9fe:a9fe", "linkLocal"],
    ["2001:db8::200:5efe:7f00:1", "loopback"],
    ["::7f00:1", "loopback"],
    ["64:ff9b::a01:203", "ordinary"],
    ["2001:4860:4860::8888", "ordinary"],
    ["fd12:3456::1", "ordinary"],
    ["100.100.100.200", "metadata"],
    ["168.63.129.16", "metadata"],
    ["192.0.0.192", "metadata"],
    ["0.0.0.0", "unspecified"],
    ["::", "unspecified"],
    ["224.0.0.1", "multicast"],
    ["255.255.255.255", "multicast"],
    ["ff02::1", "multicast"],
    ["10.1.2.3", "ordinary"],
    ["192.0.2.7", "ordinary"],
    ["fec0::1", "ordinary"],
    ["2001:db8::1", "ordinary"],
  ])("%s is %s", (address, kind) => {
    expect(kindOfAddress(address)).toBe(kind);
  });

  test.each([25, 22, 143, 6379, 5432, 2375, 6667, 11211])("HTTP is spoken to port %s of this machine only", (port) => {
    expect(() => refusePort("db.example", "192.0.2.7", port)).toThrow(`port ${port} of db.example`);
    expect(() => refusePort("localhost", "127.0.0.1", port)).not.toThrow();
  });

  test.each([80, 443, 3000, 8080, 8443, 9200])("and to port %s of any", (port) => {
    expect(() => refusePort("app.example", "192.0.2.7", port)).not.toThrow();
  });

  test("a client that resolves names itself is given judged addresses, whatever the name says by then", async () => {
    const found = (host: string, practice: boolean, all: boolean) =>
      new Promise((resolve) =>
        allowedLookup({ practice })(host, { all }, (error, ...rest) => resolve(error?.message ?? rest)),
      );
    expect(await found("localhost", true, false)).toEqual([
      expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
      expect.any(Number),
    ]);
    expect(await found("127.0.0.1", true, true)).toEqual([[{ address: "127.0.0.1", family: 4 }]]);
    expect(await found("fd00:ec2::23", false, true)).toContain("cloud metadata");
    expect(await found("169.254.169.254", false, false)).toContain("link-local");
    expect(await found("192.0.2.7", true, true)).toContain("practice touches nothing else");
  });

  test("practice connects to nothing but loopback", async () => {
    await expect(allowedAddresses("192.0.2.7", { practice: true })).rejects.toMatchObject({
      problem: { code: "address-outside-practice" },
    });
    expect(await allowedAddresses("[::1]", { practice: true })).toEqual(["::1"]);
    for (const address of await allowedAddresses("localhost", { practice: true })) {
      expect(kindOfAddress(address)).toBe("loopback");
    }
  });
});
