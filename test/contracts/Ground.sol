// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// What stands on the chain below before it is forked: a token, and a contract that tells what a block looks like from inside.
contract Token {
    event Transfer(address indexed from, address indexed to, uint256 value);
    error TooLittle(address who, uint256 has, uint256 wants);

    mapping(address => uint256) public balanceOf;
    uint256 public totalSupply;
    address public immutable maker;
    string public name = "a name that is too long for one slot, so that it lies in several of them";

    constructor(uint256 supply) {
        maker = msg.sender;
        totalSupply = supply;
        balanceOf[msg.sender] = supply;
        emit Transfer(address(0), msg.sender, supply);
    }

    function transfer(address to, uint256 value) external returns (bool) {
        uint256 has = balanceOf[msg.sender];
        if (has < value) revert TooLittle(msg.sender, has, value);
        balanceOf[msg.sender] = has - value;
        balanceOf[to] += value;
        emit Transfer(msg.sender, to, value);
        return true;
    }
}

contract Inside {
    function hashOf(uint256 number) external view returns (bytes32) { return blockhash(number); }

    function env() external view returns (uint256, uint256, uint256, uint256, uint256) {
        return (block.number, block.chainid, block.gaslimit, block.basefee, block.prevrandao);
    }

    function codeOf(address who) external view returns (bytes32, uint256) { return (who.codehash, who.code.length); }
}
