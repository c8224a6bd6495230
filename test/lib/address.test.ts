import { describe, expect, test } from "@jest/globals";
import { allowedAddresses, kindOfAddress } from "../../src/lib/address.ts";

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
